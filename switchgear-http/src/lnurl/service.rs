use std::{
    convert::Infallible,
    num::NonZero,
    sync::Arc,
    task::{Context, Poll},
    thread::available_parallelism,
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Method, Request, Response, StatusCode, header, request::Parts};
use switchgear_core::{ln::LnBalancer, offer::OfferProvider};
use tokio::sync::Semaphore;
use tower_service::Service;

use super::{
    DrainSwitch, LnurlConfig,
    answer::{self, Refusal},
    api::{API, Action, View},
    callback::Bases,
    health, offers,
    query::Query,
    rendered::Rendered,
};
use crate::{
    api::{Found, Miss},
    body::{self, Body},
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
            bases: Bases::new(&config.authority, config.scheme),
            config,
            offers,
            balancer,
            drain: DrainSwitch::default(),
            rendered: Rendered::default(),
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
    bases: Bases,
    pub(super) drain: DrainSwitch,
    pub(super) rendered: Rendered,
    /// As many pictures are drawn at once as there are processors.
    pub(super) brushes: Arc<Semaphore>,
}

impl Shared {
    async fn answer(&self, head: &Parts, announced: u64) -> Response<Body> {
        let mut response = self.respond(head, announced).await;
        answer::open(response.headers_mut());
        if head.method == Method::HEAD {
            response = body::strip(response);
        }
        response
    }

    async fn respond(&self, head: &Parts, announced: u64) -> Response<Body> {
        let found = match API.find(&head.method, head.uri.path()) {
            Ok(found) => found,
            Err(miss) => return self.miss(head, miss),
        };
        let result = match found.action {
            Action::Preflight => return answer::preflight(),
            // Health checks come from inside, by address, and so stand outside the list of hosts.
            Action::Health(check) => {
                let result = health::check(self, check, Query::new(head.uri.query()));
                return result.unwrap_or_else(|refusal| refusal.into_response(false));
            }
            Action::Document => self.document(head, announced),
            Action::Offer(view) => self.offer(head, view, &found, announced).await,
        };
        result.unwrap_or_else(|refusal| refusal.into_response(self.config.errors_as_200))
    }

    fn document(&self, head: &Parts, announced: u64) -> Result<Response<Body>, Refusal> {
        self.bases.resolve(head)?;
        check_length(announced)?;
        Ok(API.document().answer(&head.headers))
    }

    async fn offer(
        &self,
        head: &Parts,
        view: View,
        found: &Found<'_, Action>,
        announced: u64,
    ) -> Result<Response<Body>, Refusal> {
        let base = self.bases.resolve(head)?;
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
            View::Bech32 => Ok(offers::bech32(&offer, &base)),
            View::Qr => offers::qr(self, &offer, &base).await,
        }
    }

    /// What is at no path, and what a path does not answer, is so under any host.
    fn miss(&self, head: &Parts, miss: Miss) -> Response<Body> {
        // Health checks are for programs, which go by the status.
        let as_200 = self.config.errors_as_200 && !head.uri.path().starts_with("/health");
        match miss {
            // A browser asks whether it may read even that there is nothing.
            Miss::Path if head.method == Method::OPTIONS => answer::preflight(),
            Miss::Path => {
                let reason = "there is nothing at this path";
                Refusal::new(StatusCode::NOT_FOUND, reason).into_response(as_200)
            }
            Miss::Method { allow } => {
                let reason = "only GET is answered here";
                let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, reason);
                let mut response = refusal.into_response(as_200);
                response.headers_mut().insert(header::ALLOW, allow);
                response
            }
        }
    }
}

/// The longest body that a request may announce, in bytes: no endpoint has a use for one.
const MAX_BODY: u64 = 65_536;

fn check_length(announced: u64) -> Result<(), Refusal> {
    if announced > MAX_BODY {
        let reason = "the request has a body, and a large one";
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    Ok(())
}
