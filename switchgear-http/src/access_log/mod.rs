//! One line for each request in Common Log Format, with size and duration, as a `tracing` event.

mod future;
mod layer;
mod line;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use self::line::Line;
pub use self::{
    future::AccessLogFuture,
    layer::{AccessLogLayer, LoggedService},
};
use crate::client::TrustedProxies;

/// Logs what `inner` is asked and how it answers.
///
/// Events are INFO below 400, WARN for 4xx, ERROR for 5xx, under the target of the service.
#[derive(Debug, Clone)]
pub struct AccessLog<S> {
    inner: S,
    service: LoggedService,
    proxies: Arc<TrustedProxies>,
}

impl<S> AccessLog<S> {
    fn new(inner: S, service: LoggedService, proxies: Arc<TrustedProxies>) -> Self {
        Self {
            inner,
            service,
            proxies,
        }
    }
}

impl<S, B, R> Service<Request<B>> for AccessLog<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: http_body::Body,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = AccessLogFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let line = Line::begin(self.service, &self.proxies, &request);
        AccessLogFuture::new(self.inner.call(request), line)
    }
}

#[cfg(test)]
mod tests;
