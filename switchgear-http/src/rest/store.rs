use http::StatusCode;
use switchgear_core::{
    ErrorChain,
    store::{StoreError, StoreErrorKind},
};

use crate::problem::Problem;

/// The one place where a store's failure becomes a status. What lies behind it is for the log.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let status = match error.kind() {
            StoreErrorKind::Conflict => StatusCode::CONFLICT,
            StoreErrorKind::NotFound => StatusCode::NOT_FOUND,
            StoreErrorKind::Invalid => StatusCode::BAD_REQUEST,
            StoreErrorKind::Remote => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!("the store failed: {}", ErrorChain(&error));
            return Self::new(status).with_detail("the store cannot answer now, please try again");
        }
        let problem = Self::new(status).with_detail(error.to_string());
        match status {
            StatusCode::NOT_FOUND => problem.with_type(Self::RECORD_NOT_FOUND),
            _ => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_callers_own_mistakes_and_hides_the_inside() {
        for (kind, status, shown) in [
            (StoreErrorKind::Conflict, 409, true),
            (StoreErrorKind::NotFound, 404, true),
            (StoreErrorKind::Invalid, 400, true),
            (StoreErrorKind::Unavailable, 500, false),
            (StoreErrorKind::Remote, 502, false),
            (StoreErrorKind::Timeout, 500, false),
        ] {
            let error = StoreError::new(kind, "table offers").with_source("postgres://secret");
            let problem = Problem::from(error);
            assert_eq!(problem.status(), status, "{kind:?}");
            let text = format!("{problem:?}");
            assert_eq!(text.contains("table offers"), shown, "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
