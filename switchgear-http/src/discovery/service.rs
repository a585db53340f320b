use std::{
    convert::Infallible,
    error::Error,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Request, Response, request::Parts};
use switchgear_core::backend::DiscoveryBackendStore;
use tower_service::Service;

use super::{
    api::{API, Action, Form, Verb},
    backends,
};
use crate::{body::Body, problem::Problem, rest};

/// The discovery service over any store. Clones are cheap and share it.
#[derive(Debug, Clone)]
pub struct DiscoveryService {
    store: Arc<dyn DiscoveryBackendStore>,
}

impl DiscoveryService {
    /// Administers the backends in `store`.
    pub fn new(store: Arc<dyn DiscoveryBackendStore>) -> Self {
        Self { store }
    }

    async fn answer<B>(&self, head: &Parts, body: B) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let found = API.find(&head.method, head.uri.path())?;
        match found.action {
            Action::Health => Ok(rest::healthy()),
            Action::Document => Ok(API.document().answer(&head.headers)),
            Action::List => backends::list(&*self.store, head).await,
            Action::Post => backends::post(&*self.store, head, body).await,
            Action::Backend(form, verb) => {
                self.backend(head, body, form, verb, found.segment(0)).await
            }
        }
    }

    async fn backend<B>(
        &self,
        head: &Parts,
        body: B,
        form: Form,
        verb: Verb,
        segment: &str,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let store = &*self.store;
        let address = form
            .read(segment)
            .ok_or_else(|| rest::no_record("backend"))?;
        match verb {
            Verb::Get => backends::get(store, &address).await,
            Verb::Put => backends::put(store, head, address, body).await,
            Verb::Patch => backends::patch(store, head, address, body).await,
            Verb::Delete => backends::delete(store, head, &address).await,
        }
    }
}

impl<B> Service<Request<B>> for DiscoveryService
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
