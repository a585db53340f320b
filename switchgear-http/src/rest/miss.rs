use http::{StatusCode, header};

use crate::{api::Miss, problem::Problem};

/// A request for no operation, as an administrator is told.
impl From<Miss> for Problem {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Path => {
                Self::new(StatusCode::NOT_FOUND).with_detail("there is nothing at this path")
            }
            Miss::Method { allow } => {
                let allowed = allow.to_str().unwrap_or_default();
                Self::new(StatusCode::METHOD_NOT_ALLOWED)
                    .with_detail(format!("allowed are {allowed}"))
                    .with_header(header::ALLOW, allow)
            }
        }
    }
}
