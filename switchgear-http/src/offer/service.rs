use std::{
    convert::Infallible,
    error::Error,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Method, Request, Response, request::Parts};
use switchgear_core::offer::{OfferMetadataStore, OfferStore};
use tower_service::Service;

use super::{
    OfferConfig, collection,
    shelf::{Record, Shelf},
};
use crate::{
    body::Body,
    problem::Problem,
    rest,
    route::{Found, Routes},
};

/// The offer service over any pair of stores. Clones are cheap and share them.
#[derive(Debug, Clone)]
pub struct OfferService {
    offers: Arc<dyn OfferStore>,
    metadata: Arc<dyn OfferMetadataStore>,
    config: OfferConfig,
}

impl OfferService {
    /// Administers what `offers` and `metadata` hold.
    pub fn new(
        offers: Arc<dyn OfferStore>,
        metadata: Arc<dyn OfferMetadataStore>,
        config: OfferConfig,
    ) -> Self {
        Self {
            offers,
            metadata,
            config,
        }
    }

    async fn answer<B>(&self, head: &Parts, body: B) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let found = ROUTES
            .find(head.uri.path())
            .ok_or_else(|| rest::not_found("path"))?;
        match found.route {
            Endpoint::Health if reads(&head.method) => Ok(rest::healthy()),
            Endpoint::Health => Err(rest::method_not_allowed("GET, HEAD")),
            Endpoint::Offers(depth) => {
                self.collection(&*self.offers, depth, &found, head, body)
                    .await
            }
            Endpoint::Metadata(depth) => {
                self.collection(&*self.metadata, depth, &found, head, body)
                    .await
            }
        }
    }

    async fn collection<R, S, B>(
        &self,
        shelf: &S,
        depth: Depth,
        found: &Found<Endpoint>,
        head: &Parts,
        body: B,
    ) -> Result<Response<Body>, Problem>
    where
        R: Record,
        S: Shelf<R> + ?Sized,
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        match depth {
            Depth::All if head.method == Method::POST => collection::post(shelf, head, body).await,
            Depth::All => Err(rest::method_not_allowed("POST")),
            Depth::Partition if reads(&head.method) => {
                let max = self.config.max_page_size;
                collection::list(shelf, head, found.segment(0), max).await
            }
            Depth::Partition => Err(rest::method_not_allowed("GET, HEAD")),
            Depth::Record => {
                let key = collection::key(found.segment(0), found.segment(1));
                collection::record(shelf, head, key, body).await
            }
        }
    }
}

impl<B> Service<Request<B>> for OfferService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        let (head, body) = request.into_parts();
        async move {
            let result = service.answer(&head, body).await;
            Ok(rest::finish(&head.method, result))
        }
        .boxed()
    }
}

/// What stands behind a path.
#[derive(Debug, Clone, Copy)]
enum Endpoint {
    Health,
    Offers(Depth),
    Metadata(Depth),
}

/// How much of a key a path gives.
#[derive(Debug, Clone, Copy)]
enum Depth {
    All,
    Partition,
    Record,
}

static ROUTES: LazyLock<Routes<Endpoint>> = LazyLock::new(|| {
    Routes::new([
        ("/health", Endpoint::Health),
        ("/offers", Endpoint::Offers(Depth::All)),
        ("/offers/{partition}", Endpoint::Offers(Depth::Partition)),
        ("/offers/{partition}/{id}", Endpoint::Offers(Depth::Record)),
        ("/metadata", Endpoint::Metadata(Depth::All)),
        (
            "/metadata/{partition}",
            Endpoint::Metadata(Depth::Partition),
        ),
        (
            "/metadata/{partition}/{id}",
            Endpoint::Metadata(Depth::Record),
        ),
    ])
});

fn reads(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}
