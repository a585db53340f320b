use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode};
use http_body_util::Either;
use tower_service::Service;

use super::TrustedProxies;
use crate::{
    body::Body,
    failure::{EarlyAnswer, ErrorStyle},
};

/// Leaves a [`Client`](super::Client) in the extensions of requests that come from trusted proxies.
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: S,
    proxies: Arc<TrustedProxies>,
    style: ErrorStyle,
}

impl<S> ClientService<S> {
    pub(super) fn new(inner: S, proxies: Arc<TrustedProxies>, style: ErrorStyle) -> Self {
        Self {
            inner,
            proxies,
            style,
        }
    }
}

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Either<R, Body>>;
    type Error = S::Error;
    type Future = EarlyAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.proxies.client(request.extensions(), request.headers()) {
            Ok(Some(client)) => {
                request.extensions_mut().insert(client);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!("a request was refused: {error}");
                let words = error.to_string();
                let style = self.style.at(request.uri().path());
                let refusal = style.response(StatusCode::BAD_REQUEST, &words);
                return EarlyAnswer::now(refusal);
            }
        }
        EarlyAnswer::inner(self.inner.call(request))
    }
}
