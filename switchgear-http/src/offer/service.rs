use std::{
    convert::Infallible,
    error::Error,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Request, Response, request::Parts};
use switchgear_core::offer::{OfferMetadataStore, OfferStore};
use tower_service::Service;

use super::{
    OfferConfig,
    api::{API, Action},
    collection,
};
use crate::{body::Body, problem::Problem, rest};

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
        let found = API.find(&head.method, head.uri.path())?;
        let segments = [found.segment(0), found.segment(1)];
        let max = self.config.max_page_size;
        match found.action {
            Action::Health => Ok(rest::healthy()),
            Action::Document => Ok(API.document().answer(&head.headers)),
            Action::Offers(verb) => {
                collection::answer(&*self.offers, verb, segments, max, head, body).await
            }
            Action::Metadata(verb) => {
                collection::answer(&*self.metadata, verb, segments, max, head, body).await
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
