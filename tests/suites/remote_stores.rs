//! The HTTP stores against the real services, over real sockets: the same suite as every other store.

use std::{
    convert::Infallible,
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Request, Response};
use hyper::body::Incoming;
use switchgear_core::{backend::DiscoveryBackendStore as _, store::StoreErrorKind};
use switchgear_http::{
    auth::{Audience, Authority, BearerLayer, SigningKey},
    body::Body,
    discovery::DiscoveryService,
    offer::{OfferConfig, OfferService},
    serve::{ServeConfig, Server},
};
use switchgear_stores::{
    conformance,
    http::{HttpDiscoveryStore, HttpOfferStore, HttpStoreConfig},
    memory::{MemoryDiscoveryStore, MemoryOfferStore},
    sqlite::{SqliteConfig, SqliteStore},
};
use tempfile::TempDir;
use tower::{Layer as _, Service};

#[tokio::test]
async fn the_remote_discovery_store_conforms_over_memory() -> anyhow::Result<()> {
    let remote = Remote::new(Audience::Discovery)?;
    let store = Arc::new(MemoryDiscoveryStore::new());
    let address = remote.serve(DiscoveryService::new(store)).await?;
    conformance::discovery(&HttpDiscoveryStore::try_new(remote.client(address)?)?).await;
    Ok(())
}

#[tokio::test]
async fn the_remote_offer_store_conforms_over_memory() -> anyhow::Result<()> {
    let remote = Remote::new(Audience::Offer)?;
    let store = Arc::new(MemoryOfferStore::new());
    let address = remote
        .serve(OfferService::new(store.clone(), store, LARGE_PAGES))
        .await?;
    offers_conform(&HttpOfferStore::try_new(remote.client(address)?)?).await;
    Ok(())
}

#[tokio::test]
async fn both_remote_stores_conform_over_sqlite() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let url = format!("sqlite://{}", folder.path().join("remote.db").display());
    let store = Arc::new(SqliteStore::connect(SqliteConfig::new(url)).await?);

    let remote = Remote::new(Audience::Discovery)?;
    let address = remote.serve(DiscoveryService::new(store.clone())).await?;
    conformance::discovery(&HttpDiscoveryStore::try_new(remote.client(address)?)?).await;

    let remote = Remote::new(Audience::Offer)?;
    let address = remote
        .serve(OfferService::new(store.clone(), store, LARGE_PAGES))
        .await?;
    offers_conform(&HttpOfferStore::try_new(remote.client(address)?)?).await;
    Ok(())
}

#[tokio::test]
async fn a_token_of_another_service_is_refused_as_nobodys_fault_but_ours() -> anyhow::Result<()> {
    let remote = Remote::new(Audience::Discovery)?;
    let store = Arc::new(MemoryDiscoveryStore::new());
    let address = remote.serve(DiscoveryService::new(store)).await?;
    let stranger = Remote::new(Audience::Discovery)?;
    let client = HttpDiscoveryStore::try_new(stranger.client(address)?)?;
    let key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let error = client
        .get(&key.parse()?)
        .await
        .expect_err("a foreign token");
    assert_eq!(error.kind(), StoreErrorKind::Remote);
    Ok(())
}

const LARGE_PAGES: OfferConfig = OfferConfig {
    max_page_size: 1_000,
};

async fn offers_conform(store: &HttpOfferStore) {
    conformance::metadata(store).await;
    conformance::offers(store, store).await;
    conformance::provider(store, store, store).await;
}

/// A service behind a token, on a free port of the loopback, until the test's runtime ends.
struct Remote {
    folder: TempDir,
    gate: BearerLayer,
}

impl Remote {
    fn new(audience: Audience) -> anyhow::Result<Self> {
        let keys = SigningKey::generate()?;
        let folder = TempDir::new()?;
        let token = SigningKey::from_pem(keys.private_pem.as_bytes())?.mint(
            audience,
            Duration::from_secs(60),
            SystemTime::now(),
        )?;
        fs::write(folder.path().join("token"), token)?;
        let authority = Authority::from_pem(keys.public_pem.as_bytes(), audience)?;
        Ok(Self {
            gate: BearerLayer::new(authority, audience.as_str()),
            folder,
        })
    }

    async fn serve<S>(&self, service: S) -> anyhow::Result<SocketAddr>
    where
        S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let server = Server::bind(ServeConfig::new((Ipv4Addr::LOCALHOST, 0).into())).await?;
        let address = server.local_addr();
        let service = self.gate.layer(service);
        tokio::spawn(server.run(service, std::future::pending(), Duration::ZERO));
        Ok(address)
    }

    fn client(&self, address: SocketAddr) -> anyhow::Result<HttpStoreConfig> {
        let url = format!("http://{address}").parse()?;
        Ok(HttpStoreConfig::new(url, self.folder.path().join("token")))
    }
}
