use std::{
    convert::Infallible,
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Request, Response};
use hyper::body::Incoming;
use switchgear_http::{
    auth::{Audience, Authority, BearerLayer, SigningKey},
    body::Body,
    discovery::DiscoveryService,
    offer::{OfferConfig, OfferService},
    serve::{ServeConfig, Server},
};
use switchgear_stores::http::{HttpDiscoveryStore, HttpOfferStore, HttpStoreConfig};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tower::{Layer as _, Service};

use crate::stores::Stores;

const LARGE_PAGES: OfferConfig = OfferConfig {
    max_page_size: 1_000,
};

/// The discovery and offer services over a store, each behind a token on a port of the loopback, and the
/// clients of both. They stop when this is dropped.
#[derive(Debug)]
pub(crate) struct Services {
    /// The store as its remote clients have it.
    pub(crate) remote: Stores,
    /// How the clients of discovery and of offers ask.
    pub(crate) asking: [HttpStoreConfig; 2],
    _running: JoinSet<()>,
    _folder: TempDir,
}

impl Services {
    pub(crate) async fn over(stores: &Stores) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("services-")?;
        let mut running = JoinSet::new();
        let backends = DiscoveryService::new(Arc::clone(&stores.backends));
        let discovery = serve(&mut running, &folder, Audience::Discovery, backends).await?;
        let (offers, metadata) = (Arc::clone(&stores.offers), Arc::clone(&stores.metadata));
        let offers = OfferService::new(offers, metadata, LARGE_PAGES);
        let offers = serve(&mut running, &folder, Audience::Offer, offers).await?;
        Ok(Self {
            remote: Stores::new(
                Arc::new(HttpDiscoveryStore::try_new(discovery.clone())?),
                Arc::new(HttpOfferStore::try_new(offers.clone())?),
            ),
            asking: [discovery, offers],
            _running: running,
            _folder: folder,
        })
    }
}

/// Serves behind a token, and gives how a client asks.
async fn serve<S>(
    running: &mut JoinSet<()>,
    folder: &TempDir,
    audience: Audience,
    service: S,
) -> anyhow::Result<HttpStoreConfig>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let keys = SigningKey::generate()?;
    let life = Duration::from_secs(7_200);
    let token = SigningKey::from_pem(keys.private_pem.as_bytes())?;
    let token = token.mint(audience, life, SystemTime::now())?;
    let token_file = folder.path().join(audience.as_str());
    fs::write(&token_file, token)?;
    let authority = Authority::from_pem(keys.public_pem.as_bytes(), audience)?;
    let gate = BearerLayer::new(authority, audience.as_str());

    let server = Server::bind(ServeConfig::new((Ipv4Addr::LOCALHOST, 0).into())).await?;
    let address: SocketAddr = server.local_addr();
    let serving = server.run(gate.layer(service), std::future::pending(), Duration::ZERO);
    running.spawn(async move { drop(serving.await) });
    Ok(HttpStoreConfig::new(
        format!("http://{address}").parse()?,
        token_file,
    ))
}
