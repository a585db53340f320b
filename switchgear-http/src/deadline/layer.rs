use std::time::Duration;

use tower_layer::Layer;

use super::Deadline;
use crate::failure::ErrorStyle;

/// Puts a [`Deadline`] around a service.
///
/// ```
/// use std::{convert::Infallible, time::Duration};
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::{deadline::DeadlineLayer, failure::ErrorStyle};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stuck = service_fn(|_: Request<()>| {
///     std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
/// });
/// let limit = Duration::from_millis(1);
/// let service = DeadlineLayer::new(limit, ErrorStyle::Problem).layer(stuck);
/// assert_eq!(service.oneshot(Request::new(())).await?.status(), 503);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer {
    limit: Duration,
    style: ErrorStyle,
}

impl DeadlineLayer {
    /// At most `limit` for a request, or 503 in this style.
    pub fn new(limit: Duration, style: ErrorStyle) -> Self {
        Self { limit, style }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Deadline::new(inner, self.limit, self.style)
    }
}
