use std::sync::Arc;

use tower_layer::Layer;

use super::{ClientService, TrustedProxies};
use crate::failure::ErrorStyle;

/// Puts a [`ClientService`] around a service.
///
/// ```
/// use std::{convert::Infallible, net::SocketAddr};
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt as _, Full};
/// use switchgear_http::{
///     client::{Client, ClientLayer, TrustedProxies},
///     failure::ErrorStyle,
///     serve::PeerAddr,
/// };
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let whoami = service_fn(|request: Request<()>| async move {
///     let client = Client::address_of(request.extensions()).expect("the listener tells the peer");
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(client.to_string())))
/// });
/// let proxies = TrustedProxies::try_new(["10.0.0.0/8"])?;
/// let service = ClientLayer::new(proxies, ErrorStyle::Problem).layer(whoami);
///
/// for (peer, client) in [("10.0.0.1:9", "192.0.2.7"), ("198.51.100.1:9", "198.51.100.1")] {
///     let request = Request::get("/")
///         .header("x-forwarded-for", "192.0.2.7")
///         .extension(PeerAddr(peer.parse::<SocketAddr>()?))
///         .body(())?;
///     let answer = service.clone().oneshot(request).await?.into_body().collect().await?;
///     assert_eq!(answer.to_bytes(), client);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ClientLayer {
    proxies: Arc<TrustedProxies>,
    style: ErrorStyle,
}

impl ClientLayer {
    /// Believes `proxies`, and refuses what they say amiss with 400 in this style.
    pub fn new(proxies: TrustedProxies, style: ErrorStyle) -> Self {
        Self {
            proxies: Arc::new(proxies),
            style,
        }
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService::new(inner, Arc::clone(&self.proxies), self.style)
    }
}
