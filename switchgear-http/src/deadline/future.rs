use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;
use tokio::time::Timeout;

use crate::{body::Body, failure::ErrorStyle};

pin_project! {
    /// The response of a [`Deadline`](super::Deadline).
    pub struct DeadlineFuture<F> {
        #[pin]
        inner: Timeout<F>,
        style: ErrorStyle,
    }
}

impl<F: Future> DeadlineFuture<F> {
    pub(super) fn new(inner: F, limit: Duration, style: ErrorStyle) -> Self {
        Self {
            inner: tokio::time::timeout(limit, inner),
            style,
        }
    }
}

impl<F, E> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(ready!(this.inner.poll(cx)).unwrap_or_else(|_| {
            Ok(this.style.response(
                StatusCode::SERVICE_UNAVAILABLE,
                "the request took too long, please try again",
            ))
        }))
    }
}

impl<F> fmt::Debug for DeadlineFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineFuture").finish_non_exhaustive()
    }
}
