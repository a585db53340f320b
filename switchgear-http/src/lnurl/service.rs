use std::{
    convert::Infallible,
    num::NonZero,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    thread::available_parallelism,
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Method, Request, Response, StatusCode, request::Parts};
use switchgear_core::{ln::LnBalancer, offer::OfferProvider};
use tokio::sync::Semaphore;
use tower_service::Service;

use super::{
    DrainSwitch, LnurlConfig,
    answer::{self, Refusal},
    health, offers,
    query::Query,
};
use crate::{
    body::{self, Body},
    route::{Found, Routes},
};

/// The LNURL service over any offers and any fleet of nodes.
///
/// Clones are cheap and share everything. It reads no request body.
#[derive(Debug, Clone)]
pub struct LnurlService(pub(super) Arc<Shared>);

impl LnurlService {
    /// Serves what `offers` hold by invoices from `balancer`.
    pub fn new(
        config: LnurlConfig,
        offers: Arc<dyn OfferProvider>,
        balancer: Arc<dyn LnBalancer>,
    ) -> Self {
        Self(Arc::new(Shared {
            config,
            offers,
            balancer,
            drain: DrainSwitch::default(),
            brushes: Arc::new(Semaphore::new(
                available_parallelism().map_or(1, NonZero::get),
            )),
        }))
    }

    /// The switch that takes readiness away before a shutdown.
    pub fn drain_switch(&self) -> DrainSwitch {
        self.0.drain.clone()
    }
}

impl<B: http_body::Body> Service<Request<B>> for LnurlService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        let announced = request.body().size_hint().lower();
        let (head, _) = request.into_parts();
        async move { Ok(shared.answer(&head, announced).await) }.boxed()
    }
}

/// What all clones of a service share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: LnurlConfig,
    pub(super) offers: Arc<dyn OfferProvider>,
    pub(super) balancer: Arc<dyn LnBalancer>,
    pub(super) drain: DrainSwitch,
    /// As many pictures are drawn at once as there are processors.
    pub(super) brushes: Arc<Semaphore>,
}

impl Shared {
    async fn answer(&self, head: &Parts, announced: u64) -> Response<Body> {
        let mut response = if head.method == Method::OPTIONS {
            answer::preflight()
        } else {
            self.respond(head, announced).await
        };
        answer::open(response.headers_mut());
        if head.method == Method::HEAD {
            response = body::strip(response);
        }
        response
    }

    async fn respond(&self, head: &Parts, announced: u64) -> Response<Body> {
        let found = ROUTES.find(head.uri.path());
        let view = match found.as_ref().map(|found| found.route) {
            // Health checks come from inside, by address, and so stand outside the list of hosts.
            Some(Endpoint::Health(check)) => {
                let result = self.health(head, check);
                return result.unwrap_or_else(|refusal| refusal.into_response(false));
            }
            Some(Endpoint::Offer(view)) => Some(view),
            None => None,
        };
        let result = self.public(head, view.zip(found), announced).await;
        result.unwrap_or_else(|refusal| refusal.into_response(self.config.errors_as_200))
    }

    fn health(&self, head: &Parts, check: Check) -> Result<Response<Body>, Refusal> {
        check_method(&head.method)?;
        match check {
            Check::Liveness => Ok(health::liveness()),
            Check::Readiness => health::readiness(self, Query::new(head.uri.query())),
        }
    }

    async fn public(
        &self,
        head: &Parts,
        found: Option<(View, Found<Endpoint>)>,
        announced: u64,
    ) -> Result<Response<Body>, Refusal> {
        let base = self.config.authority.resolve(head, self.config.scheme)?;
        let (view, found) = found
            .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path"))?;
        check_method(&head.method)?;
        check_length(announced)?;
        let offer = offers::find(self, found.segment(0), found.segment(1)).await?;
        match view {
            View::PayRequest => Ok(offers::pay_request(self, &offer, &base)),
            View::Invoice => {
                let request = offers::ask(self, &offer, Query::new(head.uri.query()))?;
                // HEAD is safe (RFC 9110, 9.2.1), and making an invoice is not.
                if head.method == Method::HEAD {
                    return Ok(offers::no_invoice());
                }
                offers::invoice(self, &offer, &request).await
            }
            View::Bech32 => Ok(offers::bech32(self, &offer, &base)),
            View::Qr => offers::qr(self, &offer, &base).await,
        }
    }
}

/// What stands behind a path.
#[derive(Debug, Clone, Copy)]
enum Endpoint {
    Health(Check),
    Offer(View),
}

/// What a health check asks.
#[derive(Debug, Clone, Copy)]
enum Check {
    Liveness,
    Readiness,
}

/// What is asked of an offer.
#[derive(Debug, Clone, Copy)]
enum View {
    PayRequest,
    Invoice,
    Bech32,
    Qr,
}

static ROUTES: LazyLock<Routes<Endpoint>> = LazyLock::new(|| {
    Routes::new([
        ("/health", Endpoint::Health(Check::Liveness)),
        ("/health/full", Endpoint::Health(Check::Readiness)),
        (
            "/offers/{partition}/{id}",
            Endpoint::Offer(View::PayRequest),
        ),
        (
            "/offers/{partition}/{id}/invoice",
            Endpoint::Offer(View::Invoice),
        ),
        (
            "/offers/{partition}/{id}/bech32",
            Endpoint::Offer(View::Bech32),
        ),
        (
            "/offers/{partition}/{id}/bech32/qr",
            Endpoint::Offer(View::Qr),
        ),
    ])
});

/// The longest body that a request may announce, in bytes: no endpoint has a use for one.
const MAX_BODY: u64 = 65_536;

fn check_length(announced: u64) -> Result<(), Refusal> {
    if announced > MAX_BODY {
        let reason = "the request has a body, and a large one";
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    Ok(())
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    if [Method::GET, Method::HEAD].contains(method) {
        return Ok(());
    }
    let reason = "only GET is answered here";
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, reason))
}
