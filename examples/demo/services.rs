use std::{
    convert::Infallible,
    error::Error,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use chrono::Utc;
use http::{Request, Response};
use hyper::body::{Bytes, Incoming};
use switchgear_core::{
    Millisatoshi, Partition,
    ln::LnBalancer as _,
    offer::{
        Offer, OfferMetadata, OfferMetadataStore as _, OfferStore as _, SendableRange, Text,
        Validity,
    },
};
use switchgear_http::{
    auth::{Audience, Authority, BearerLayer, SigningKey},
    discovery::DiscoveryService,
    host::{AllowedHosts, Scheme},
    lnurl::{CallbackBase, LnurlConfig, LnurlService, QrConfig},
    offer::{OfferConfig, OfferService},
    serve::{ServeConfig, Server},
};
use switchgear_ln::{
    balancer::{Balancer, BalancerConfig},
    pool::{NodeConnector, NodeConnectorConfig},
};
use switchgear_stores::{
    http::{HttpDiscoveryStore, HttpOfferStore, HttpStoreConfig},
    sqlite::{SqliteConfig, SqliteStore},
};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tower::{Layer as _, Service};
use uuid::Uuid;

use crate::fleet::Nodes;

/// The three services on ports of the kernel's choice, over one SQLite file; and an administrator's
/// clients of two of them.
pub(crate) struct Services {
    pub(crate) discovery: HttpDiscoveryStore,
    offers: HttpOfferStore,
    lnurl: SocketAddr,
    balancer: Balancer,
    partition: Partition,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Services {
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let partition = Partition::try_new("default")?;
        let url = format!("sqlite://{}?mode=rwc", folder.join("demo.db").display());
        let store = Arc::new(SqliteStore::connect(SqliteConfig::new(url)).await?);
        let mut tasks = JoinSet::new();
        let (stop, stopped) = watch::channel(false);

        let guard = Guard::new(folder, Audience::Discovery)?;
        let service = guard.layer.layer(DiscoveryService::new(store.clone()));
        let address = serve(&mut tasks, service, stopped.clone()).await?;
        let discovery = HttpDiscoveryStore::try_new(guard.client(address)?)?;

        let guard = Guard::new(folder, Audience::Offer)?;
        let config = OfferConfig { max_page_size: 100 };
        let service = OfferService::new(store.clone(), store.clone(), config);
        let address = serve(&mut tasks, guard.layer.layer(service), stopped.clone()).await?;
        let offers = HttpOfferStore::try_new(guard.client(address)?)?;

        let connector = Arc::new(NodeConnector::new(NodeConnectorConfig {
            timeout: Duration::from_secs(2),
        }));
        let config = BalancerConfig::new([partition.clone()].into());
        let (balancer, driver) = Balancer::new(config, store.clone(), connector);
        tasks.spawn(driver);
        let config = lnurl_config(&partition)?;
        let service = LnurlService::new(config, store, Arc::new(balancer.clone()));
        let lnurl = serve(&mut tasks, service, stopped).await?;

        Ok(Self {
            discovery,
            offers,
            lnurl,
            balancer,
            partition,
            stop,
            tasks,
        })
    }

    /// Publishes an offer over REST; gives its URL.
    pub(crate) async fn publish(&self, text: &str) -> anyhow::Result<String> {
        let metadata = OfferMetadata {
            id: Uuid::new_v4(),
            partition: self.partition.clone(),
            text: Text::try_new(text)?,
            long_text: None,
            image: None,
            identifier: None,
        };
        let offer = Offer {
            partition: self.partition.clone(),
            id: Uuid::new_v4(),
            sendable: SendableRange::try_new(
                Millisatoshi::from_sat(1),
                Millisatoshi::from_sat(1_000_000),
            )?,
            metadata_id: metadata.id,
            validity: Validity::new(Utc::now(), None),
        };
        let url = format!(
            "http://{}/offers/{}/{}",
            self.lnurl, self.partition, offer.id
        );
        self.offers.post_metadata(metadata).await?;
        self.offers.post_offer(offer).await?;
        Ok(url)
    }

    /// Waits until so many nodes are ready.
    pub(crate) async fn wait_for_ready(&self, nodes: usize) -> anyhow::Result<()> {
        let ready = async {
            let mut look = tokio::time::interval(Duration::from_millis(10));
            loop {
                look.tick().await;
                let readiness = self.balancer.readiness();
                let partition = readiness.partition(&self.partition);
                if partition.is_some_and(|partition| partition.ready >= nodes) {
                    return;
                }
            }
        };
        timeout(Nodes::PATIENCE, ready)
            .await
            .with_context(|| format!("{nodes} nodes are not ready"))
    }

    pub(crate) fn health_url(&self) -> String {
        format!("http://{}/health/full", self.lnurl)
    }

    /// Lets requests in flight finish, then ends everything.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        drop(self.balancer);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The token gate of an administrative service, and the token that opens it.
struct Guard {
    layer: BearerLayer,
    token: PathBuf,
}

impl Guard {
    fn new(folder: &Path, audience: Audience) -> anyhow::Result<Self> {
        let keys = SigningKey::generate()?;
        let authority = Authority::from_pem(keys.public_pem.as_bytes(), audience)?;
        let hour = Duration::from_secs(3_600);
        let key = SigningKey::from_pem(keys.private_pem.as_bytes())?;
        let token = folder.join(format!("{}.token", audience.as_str()));
        fs::write(&token, key.mint(audience, hour, SystemTime::now())?)?;
        Ok(Self {
            layer: BearerLayer::new(authority, audience.as_str()),
            token,
        })
    }

    fn client(&self, address: SocketAddr) -> anyhow::Result<HttpStoreConfig> {
        let url = format!("http://{address}").parse()?;
        Ok(HttpStoreConfig::new(url, &self.token))
    }
}

fn lnurl_config(partition: &Partition) -> anyhow::Result<LnurlConfig> {
    Ok(LnurlConfig {
        partitions: [partition.clone()].into(),
        authority: CallbackBase::Hosts(AllowedHosts::try_new(["127.0.0.1"])?),
        comments: None,
        invoice_expiry: Duration::from_secs(180),
        scheme: Scheme::Http,
        qr: QrConfig::default(),
        errors_as_200: false,
    })
}

/// Runs a service on a free port of the loopback until `stopped`.
async fn serve<S, R>(
    tasks: &mut JoinSet<()>,
    service: S,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<SocketAddr>
where
    S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    R: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    const DRAIN: Duration = Duration::from_secs(5);

    let server = Server::bind(ServeConfig::new((Ipv4Addr::LOCALHOST, 0).into())).await?;
    let address = server.local_addr();
    tasks.spawn(async move {
        // A sender that is gone stops the service as well.
        let stopped = async move { drop(stopped.wait_for(|stop| *stop).await) };
        if let Err(error) = server.run(service, stopped, DRAIN).await {
            tracing::error!("a service ended: {error}");
        }
    });
    Ok(address)
}
