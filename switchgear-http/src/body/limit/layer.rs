use tower_layer::Layer;

use super::BodyLimit;
use crate::failure::ErrorStyle;

/// Puts a [`BodyLimit`] around a service.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Full, Limited};
/// use switchgear_http::{body::BodyLimitLayer, failure::ErrorStyle};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upload = service_fn(|_: Request<Limited<Full<Bytes>>>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("thanks")))
/// });
/// let service = BodyLimitLayer::new(1_000, ErrorStyle::Problem).layer(upload);
///
/// for (length, status) in [(1_000, 200), (1_001, 413)] {
///     let request = Request::post("/").body(Full::from(vec![0; length]))?;
///     assert_eq!(service.clone().oneshot(request).await?.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct BodyLimitLayer {
    limit: usize,
    style: ErrorStyle,
}

impl BodyLimitLayer {
    /// At most `limit` bytes in a request's body, or 413 in this style.
    pub fn new(limit: usize, style: ErrorStyle) -> Self {
        Self { limit, style }
    }
}

impl<S> Layer<S> for BodyLimitLayer {
    type Service = BodyLimit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyLimit::new(inner, self.limit, self.style)
    }
}
