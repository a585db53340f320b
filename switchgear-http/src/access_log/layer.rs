use std::sync::Arc;

use tower_layer::Layer;

use super::AccessLog;
use crate::client::TrustedProxies;

/// Puts an [`AccessLog`] around a service; outermost, so that what other layers answer is logged too.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::{
///     access_log::{AccessLogLayer, LoggedService},
///     client::TrustedProxies,
/// };
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hello = service_fn(|_: Request<()>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
/// });
/// let service = AccessLogLayer::new(LoggedService::Lnurl)
///     .with_trusted_proxies(TrustedProxies::try_new(["10.0.0.0/8"])?)
///     .layer(hello);
/// // INFO clf::lnurl: - - - [22/Nov/2026:00:40:00 +0000] "GET / HTTP/1.1" 200 5 17us
/// assert_eq!(service.oneshot(Request::new(())).await?.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AccessLogLayer {
    service: LoggedService,
    proxies: Arc<TrustedProxies>,
}

impl AccessLogLayer {
    /// Logs in the name of `service`.
    pub fn new(service: LoggedService) -> Self {
        Self {
            service,
            proxies: Arc::default(),
        }
    }

    /// Shows the clients of these proxies instead of the proxies. Inside of a
    /// [`ClientLayer`](crate::client::ClientLayer) there is no need for it.
    #[must_use]
    pub fn with_trusted_proxies(self, proxies: TrustedProxies) -> Self {
        Self {
            proxies: Arc::new(proxies),
            ..self
        }
    }
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessLog::new(inner, self.service, Arc::clone(&self.proxies))
    }
}

/// In whose name requests are logged; the target of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedService {
    /// `clf::lnurl`
    Lnurl,
    /// `clf::discovery`
    Discovery,
    /// `clf::offer`
    Offer,
}
