use std::sync::Arc;

use tower_layer::Layer;

use super::{AllowedHosts, HostService, Scheme, service::Door};
use crate::failure::ErrorStyle;

/// Puts a [`HostService`] around a service.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::{
///     failure::ErrorStyle,
///     host::{AllowedHosts, HostLayer, Scheme},
/// };
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hello = service_fn(|_: Request<()>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
/// });
/// let hosts = AllowedHosts::try_new(["pay.example.com"])?;
/// let service = HostLayer::new(hosts, Scheme::Https, ErrorStyle::Problem).layer(hello);
///
/// for (host, status) in [("pay.example.com", 200), ("pay.example.com:x@evil.com", 400)] {
///     let request = Request::get("/").header("host", host).body(())?;
///     assert_eq!(service.clone().oneshot(request).await?.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HostLayer(Arc<Door>);

impl HostLayer {
    /// Lets requests for these hosts in, and refuses others with 400 in this style. `scheme` is the
    /// listener's.
    pub fn new(hosts: AllowedHosts, scheme: Scheme, style: ErrorStyle) -> Self {
        Self(Arc::new(Door {
            hosts,
            scheme,
            style,
            open: Vec::new(),
        }))
    }

    /// Leaves exactly these paths outside the list, compared as they came: health checks come by
    /// address, for example.
    #[must_use]
    pub fn with_open_paths(self, paths: impl IntoIterator<Item = String>) -> Self {
        Self(Arc::new(Door {
            hosts: self.0.hosts.clone(),
            scheme: self.0.scheme,
            style: self.0.style,
            open: paths.into_iter().collect(),
        }))
    }
}

impl<S> Layer<S> for HostLayer {
    type Service = HostService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HostService::new(inner, Arc::clone(&self.0))
    }
}
