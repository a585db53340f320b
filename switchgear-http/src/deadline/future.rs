use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Response, StatusCode};
use http_body_util::Either;
use pin_project_lite::pin_project;

use super::Timeout;
use crate::{body::Body, failure::ErrorStyle};

pin_project! {
    /// The response of a [`Deadline`](super::Deadline).
    pub struct DeadlineFuture<F> {
        #[pin]
        inner: Timeout<F>,
        style: ErrorStyle,
    }
}

impl<F> DeadlineFuture<F> {
    pub(super) fn new(inner: F, limit: Duration, style: ErrorStyle) -> Self {
        Self {
            inner: Timeout::new(limit, inner),
            style,
        }
    }
}

impl<F, R, E> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Either<R, Body>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(match ready!(this.inner.poll(cx)) {
            Ok(result) => result.map(|response| response.map(Either::Left)),
            Err(_) => {
                let words = "the request took too long, please try again";
                let answer = this.style.response(StatusCode::SERVICE_UNAVAILABLE, words);
                Ok(answer.map(Either::Right))
            }
        })
    }
}

impl<F> fmt::Debug for DeadlineFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineFuture").finish_non_exhaustive()
    }
}
