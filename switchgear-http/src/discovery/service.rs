use std::{
    convert::Infallible,
    error::Error,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Method, Request, Response, request::Parts};
use switchgear_core::backend::{BackendAddress, DiscoveryBackendStore};
use tower_service::Service;

use super::backends;
use crate::{
    body::Body,
    problem::Problem,
    rest,
    route::{Found, Routes},
};

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
        let found = ROUTES
            .find(head.uri.path())
            .ok_or_else(|| rest::not_found("path"))?;
        let store = &*self.store;
        let reads = [Method::GET, Method::HEAD].contains(&head.method);
        match found.route {
            Endpoint::Health if reads => Ok(rest::healthy()),
            Endpoint::Backends if reads => backends::list(store, head).await,
            Endpoint::Backends if head.method == Method::POST => {
                backends::post(store, head, body).await
            }
            Endpoint::Backend | Endpoint::BackendByKey => self.backend(head, &found, body).await,
            endpoint => Err(rest::method_not_allowed(endpoint.allow())),
        }
    }

    async fn backend<B>(
        &self,
        head: &Parts,
        found: &Found<Endpoint>,
        body: B,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let store = &*self.store;
        let address = address(found);
        let address = address.ok_or_else(|| rest::not_found("backend"));
        match head.method {
            Method::GET | Method::HEAD => backends::get(store, &address?).await,
            Method::PUT => backends::put(store, head, address?, body).await,
            Method::PATCH => backends::patch(store, head, address?, body).await,
            Method::DELETE => backends::delete(store, head, &address?).await,
            _ => Err(rest::method_not_allowed(found.route.allow())),
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

/// What stands behind a path.
#[derive(Debug, Clone, Copy)]
enum Endpoint {
    Health,
    Backends,
    Backend,
    BackendByKey,
}

impl Endpoint {
    const fn allow(self) -> &'static str {
        match self {
            Self::Health => "GET, HEAD",
            Self::Backends => "GET, HEAD, POST",
            Self::Backend | Self::BackendByKey => "GET, HEAD, PUT, PATCH, DELETE",
        }
    }
}

static ROUTES: LazyLock<Routes<Endpoint>> = LazyLock::new(|| {
    Routes::new([
        ("/health", Endpoint::Health),
        ("/discovery", Endpoint::Backends),
        ("/discovery/{key}", Endpoint::BackendByKey),
        ("/discovery/{kind}/{value}", Endpoint::Backend),
    ])
});

fn address(found: &Found<Endpoint>) -> Option<BackendAddress> {
    let text = match found.route {
        Endpoint::Backend => format!("{}/{}", found.segment(0), found.segment(1)),
        _ => found.segment(0).to_owned(),
    };
    // An encoded slash would make two segments of one, and with it two paths of one record.
    let slashes = usize::from(matches!(found.route, Endpoint::Backend));
    (text.matches('/').count() == slashes)
        .then(|| text.parse().ok())
        .flatten()
}
