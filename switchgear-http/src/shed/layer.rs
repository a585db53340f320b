use std::sync::Arc;

use tokio::sync::Semaphore;
use tower_layer::Layer;

use super::{Floor, Shed};
use crate::failure::ErrorStyle;

/// Puts a [`Shed`] around a service. It has to stand inside of whatever logs, so that the log shows
/// what was shed, and outside of whatever waits.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::{failure::ErrorStyle, shed::ShedLayer};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let slow = service_fn(|_: Request<()>| {
///     std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
/// });
/// let service = ShedLayer::new(1, ErrorStyle::Lnurl { as_200: false }).layer(slow);
///
/// let mut first = Box::pin(service.clone().oneshot(Request::new(())));
/// assert!(futures::poll!(&mut first).is_pending());
/// let second = service.oneshot(Request::new(())).await?;
/// assert_eq!(second.status(), 503);
/// assert_eq!(second.headers()["retry-after"], "1");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ShedLayer(Arc<Floor>);

impl ShedLayer {
    /// At most `requests` in flight, and 503 in this style beyond that.
    pub fn new(requests: usize, style: ErrorStyle) -> Self {
        let places = Semaphore::new(requests.min(Semaphore::MAX_PERMITS));
        Self(Arc::new(Floor {
            places: Arc::new(places),
            style,
            open: Vec::new(),
        }))
    }

    /// Sheds nothing at exactly these paths, compared as they came, and does not count it: a busy service is
    /// alive, and whoever watches over it must not take it for dead.
    #[must_use]
    pub fn with_open_paths(self, paths: impl IntoIterator<Item = String>) -> Self {
        Self(Arc::new(Floor {
            places: Arc::clone(&self.0.places),
            style: self.0.style,
            open: paths.into_iter().collect(),
        }))
    }
}

impl<S> Layer<S> for ShedLayer {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Shed::new(inner, Arc::clone(&self.0))
    }
}
