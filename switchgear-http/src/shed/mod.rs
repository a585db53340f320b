//! Load shedding: who comes when there is too much to do hears so at once, instead of waiting for an
//! answer that is late for everybody.

mod future;
mod layer;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Either;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

pub use self::{future::ShedFuture, layer::ShedLayer};
use crate::{body::Body, failure::ErrorStyle};

/// Answers 503 with `Retry-After: 1` while as many requests as allowed are in flight, or while the
/// inner service is not ready. A request is in flight until its answer begins.
///
/// Clones, and all services of one layer, count together.
#[derive(Debug)]
pub struct Shed<S> {
    inner: S,
    is_inner_ready: bool,
    floor: Arc<Floor>,
}

/// Where all services of a layer work.
#[derive(Debug)]
struct Floor {
    places: Arc<Semaphore>,
    style: ErrorStyle,
    /// Paths that need no place.
    open: Vec<String>,
}

impl Floor {
    /// A place for a request, where it needs one; none when all are taken.
    fn admit(&self, path: &str) -> Option<Option<OwnedSemaphorePermit>> {
        if self.open.iter().any(|open| open == path) {
            return Some(None);
        }
        Arc::clone(&self.places).try_acquire_owned().ok().map(Some)
    }
}

impl<S> Shed<S> {
    fn new(inner: S, floor: Arc<Floor>) -> Self {
        Self {
            inner,
            is_inner_ready: false,
            floor,
        }
    }

    fn refusal(&self, path: &str) -> Response<Body> {
        let words = "the service is busy, please try again in a moment";
        let style = self.floor.style.at(path);
        let mut response = style.response(StatusCode::SERVICE_UNAVAILABLE, words);
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, second);
        response
    }
}

impl<S: Clone> Clone for Shed<S> {
    fn clone(&self) -> Self {
        // Readiness is of one instance: a clone has not been asked yet.
        Self::new(self.inner.clone(), Arc::clone(&self.floor))
    }
}

impl<S, B, R> Service<Request<B>> for Shed<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Either<R, Body>>;
    type Error = S::Error;
    type Future = ShedFuture<S::Future>;

    /// Always ready, because it can always answer; whether the inner service is, is remembered.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if !self.is_inner_ready {
            self.is_inner_ready = match self.inner.poll_ready(cx) {
                Poll::Ready(result) => result.map(|()| true)?,
                Poll::Pending => false,
            };
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.floor.admit(request.uri().path()) {
            Some(place) if self.is_inner_ready => {
                self.is_inner_ready = false;
                ShedFuture::within(self.inner.call(request), place)
            }
            _ => ShedFuture::shed(self.refusal(request.uri().path())),
        }
    }
}

#[cfg(test)]
mod tests;
