//! The three services over stores in memory, each as a function from requests to answers.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use switchgear_core::{
    Partition,
    ln::{InvoiceRequest, IssuedInvoice, LnBalancer, NoInvoice, Readiness},
    offer::StoreOffers,
};
use switchgear_http::{
    auth::{Audience, Authority, BearerLayer, SigningKey},
    body::Body,
    discovery::DiscoveryService,
    host::{AllowedHosts, Scheme},
    lnurl::{CallbackBase, LnurlConfig, LnurlService, QrConfig},
    offer::{OfferConfig, OfferService},
};
use switchgear_stores::memory::{MemoryDiscoveryStore, MemoryOfferStore};
use tower::{Layer as _, Service, ServiceExt as _};

/// The host under which the LNURL service goes.
pub(crate) const HOST: &str = "lnurl.example.com";

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Asked = Box<dyn Fn(Request<Body>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A service by its name.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    service: Asked,
}

impl Named {
    fn new<S, R>(name: &'static str, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<R>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        R: http_body::Body<Data = Bytes, Error: std::fmt::Debug> + Send,
    {
        let ask = move |request| {
            let service = service.clone();
            async move {
                let (head, body) = service.oneshot(request).await.unwrap().into_parts();
                Answer {
                    status: head.status,
                    headers: head.headers,
                    body: body.collect().await.unwrap().to_bytes(),
                }
            }
            .boxed()
        };
        Self {
            name,
            service: Box::new(ask),
        }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(method, path, body, &[]).await
    }

    /// Asks with more headers.
    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.body(body).unwrap();
        (self.service)(request).await
    }

    pub(crate) async fn document(&self) -> Answer {
        let answer = self.ask("GET", "/openapi.json", None).await;
        assert_eq!(answer.status, 200, "{}", self.name);
        answer
    }
}

/// The services as an application mounts them that has its own ways to know who asks.
pub(crate) fn bare() -> [Named; 3] {
    let offers = Arc::new(MemoryOfferStore::new());
    [
        Named::new("lnurl", lnurl(&offers)),
        Named::new("discovery", discovery()),
        Named::new("offer", offer(&offers)),
    ]
}

/// The services as they face a network: the administrative ones ask for a token.
pub(crate) fn guarded() -> [Named; 3] {
    let offers = Arc::new(MemoryOfferStore::new());
    let [discovery_tokens, offer_tokens] = [Audience::Discovery, Audience::Offer].map(|audience| {
        let keys = SigningKey::generate().unwrap();
        let authority = Authority::from_pem(keys.public_pem.as_bytes(), audience).unwrap();
        BearerLayer::new(authority, "here")
    });
    [
        Named::new("lnurl", lnurl(&offers)),
        Named::new("discovery", discovery_tokens.layer(discovery())),
        Named::new("offer", offer_tokens.layer(offer(&offers))),
    ]
}

fn discovery() -> DiscoveryService {
    DiscoveryService::new(Arc::new(MemoryDiscoveryStore::new()))
}

fn offer(offers: &Arc<MemoryOfferStore>) -> OfferService {
    let config = OfferConfig { max_page_size: 100 };
    OfferService::new(Arc::clone(offers) as _, Arc::clone(offers) as _, config)
}

fn lnurl(offers: &Arc<MemoryOfferStore>) -> LnurlService {
    let config = LnurlConfig {
        partitions: [Partition::try_new("default").unwrap()].into(),
        authority: CallbackBase::Hosts(AllowedHosts::try_new([HOST]).unwrap()),
        comments: None,
        invoice_expiry: Duration::from_secs(60),
        scheme: Scheme::Https,
        qr: QrConfig::default(),
        errors_as_200: false,
    };
    let provider = StoreOffers::new(Arc::clone(offers), Arc::clone(offers));
    LnurlService::new(config, Arc::new(provider), Arc::new(NoNodes))
}

/// A fleet without nodes.
#[derive(Debug)]
struct NoNodes;

#[async_trait]
impl LnBalancer for NoNodes {
    async fn invoice(&self, _: &InvoiceRequest) -> Result<IssuedInvoice, NoInvoice> {
        Err(NoInvoice::NoNode)
    }

    fn readiness(&self) -> Readiness {
        Readiness::default()
    }
}
