//! The LNURL service as a program serves it: the listener, the layers around it, and the cache below it.

use std::{
    convert::Infallible,
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde_json::json;
use switchgear_benches::{fleet::partition, invoices::Failure};
use switchgear_core::{
    ln::LnBalancer,
    offer::{OfferMetadataStore as _, OfferStore as _},
};
use switchgear_http::{
    access_log::{AccessLogLayer, LoggedService},
    body::Body,
    deadline::DeadlineLayer,
    failure::{ErrorStyle, PanicAnswer},
    head::HeadLimitLayer,
    host::{AllowedHosts, Scheme},
    lnurl::{CallbackBase, LnurlConfig, LnurlService, QrConfig},
    serve::{ServeConfig, Server},
    shed::ShedLayer,
};
use switchgear_stores::{
    cached::{CacheConfig, CachedOffers},
    memory::MemoryOfferStore,
};
use tower::{ServiceBuilder, ServiceExt as _};
use uuid::Uuid;

use crate::site::Site;

/// The one offer.
const OFFER: Uuid = Uuid::from_u128(1);

/// A service before a balancer, with one offer.
#[derive(Debug, Clone)]
pub(crate) struct Ours {
    service: LnurlService,
    address: SocketAddr,
}

impl Ours {
    /// Listens on a free port, for as long as the runtime lasts.
    pub(crate) async fn start(balancer: Arc<dyn LnBalancer>) -> Result<Self, Failure> {
        let server = Server::bind(ServeConfig::new((Ipv4Addr::LOCALHOST, 0).into())).await?;
        let address = server.local_addr();
        let service = LnurlService::new(config()?, Arc::new(offers().await?), balancer);
        let style = ErrorStyle::Lnurl { as_200: false };
        let stack = ServiceBuilder::new()
            .layer(AccessLogLayer::new(LoggedService::Lnurl))
            .layer(PanicAnswer::layer(style))
            .layer(HeadLimitLayer::new(16_384, 100, style))
            .layer(ShedLayer::new(10_000, style))
            .layer(DeadlineLayer::new(Duration::from_secs(30), style))
            .service(service.clone());
        tokio::spawn(server.run(stack, pending(), Duration::ZERO));
        Ok(Self { service, address })
    }

    /// The look at the offer.
    pub(crate) fn offer(&self) -> Site {
        Site::new(self.address, path())
    }

    /// An invoice for it.
    pub(crate) fn invoice(&self) -> Site {
        Site::new(self.address, format!("{}/invoice?amount=21000", path()))
    }

    /// An answer without a socket between.
    pub(crate) async fn answer(&self, site: &Site) -> Result<Response<Vec<u8>>, Failure> {
        let request = Request::get(format!("http://{}{}", site.address, site.path));
        let response: Result<_, Infallible> = self
            .service
            .clone()
            .oneshot(request.body(Body::empty())?)
            .await;
        let (head, body) = response?.into_parts();
        Ok(Response::from_parts(
            head,
            body.collect().await?.to_bytes().to_vec(),
        ))
    }

    /// The QR code of the offer.
    pub(crate) fn picture(&self) -> Site {
        Site::new(self.address, format!("{}/bech32/qr", path()))
    }
}

fn path() -> String {
    format!("/offers/{}/{OFFER}", partition(0))
}

fn config() -> Result<LnurlConfig, Failure> {
    Ok(LnurlConfig {
        partitions: [partition(0)].into(),
        authority: CallbackBase::Hosts(AllowedHosts::try_new(["127.0.0.1"])?),
        comments: None,
        invoice_expiry: Duration::from_secs(600),
        scheme: Scheme::Http,
        qr: QrConfig::default(),
        errors_as_200: false,
    })
}

async fn offers() -> Result<CachedOffers, Failure> {
    let store = Arc::new(MemoryOfferStore::new());
    let metadata = Uuid::from_u128(2);
    let record = json!({"id": metadata, "partition": partition(0), "text": "a coffee"});
    store.post_metadata(serde_json::from_value(record)?).await?;
    let offer = json!({
        "partition": partition(0),
        "id": OFFER,
        "maxSendable": 1_000_000,
        "minSendable": 1_000,
        "metadataId": metadata,
        "timestamp": "2024-01-01T00:00:00Z",
    });
    store.post_offer(serde_json::from_value(offer)?).await?;
    // As it is by default.
    Ok(CachedOffers::new(
        store,
        CacheConfig::new(Duration::from_secs(1)),
    ))
}
