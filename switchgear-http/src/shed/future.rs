use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body_util::Either;
use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;

use crate::{body::Body, failure::EarlyAnswer};

pin_project! {
    /// The response of a [`Shed`](super::Shed).
    pub struct ShedFuture<F> {
        #[pin]
        answer: EarlyAnswer<F>,
        // Given back as soon as there is an answer, or nobody waits for one any more.
        place: Option<OwnedSemaphorePermit>,
    }
}

impl<F> ShedFuture<F> {
    pub(super) fn within(inner: F, place: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            answer: EarlyAnswer::inner(inner),
            place,
        }
    }

    pub(super) fn shed(refusal: Response<Body>) -> Self {
        Self {
            answer: EarlyAnswer::now(refusal),
            place: None,
        }
    }
}

impl<F, R, E> Future for ShedFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Either<R, Body>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.answer.poll(cx));
        this.place.take();
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for ShedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShedFuture").finish_non_exhaustive()
    }
}
