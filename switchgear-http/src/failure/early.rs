use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body_util::Either;
use pin_project_lite::pin_project;

use crate::body::Body;

pin_project! {
    /// The response of a layer that may answer without asking its inner service.
    pub struct EarlyAnswer<F> {
        #[pin]
        inner: Option<F>,
        answer: Option<Response<Body>>,
    }
}

impl<F> EarlyAnswer<F> {
    /// The inner service answers.
    pub(crate) fn inner(inner: F) -> Self {
        Self {
            inner: Some(inner),
            answer: None,
        }
    }

    /// The layer answers, at once.
    pub(crate) fn now(answer: Response<Body>) -> Self {
        Self {
            inner: None,
            answer: Some(answer),
        }
    }
}

impl<F, R, E> Future for EarlyAnswer<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Either<R, Body>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.inner.as_pin_mut() {
            Some(inner) => {
                let result = ready!(inner.poll(cx));
                Poll::Ready(result.map(|response| response.map(Either::Left)))
            }
            None => {
                let answer = this.answer.take();
                let answer = answer.expect("a future is not polled after it has answered");
                Poll::Ready(Ok(answer.map(Either::Right)))
            }
        }
    }
}

impl<F> fmt::Debug for EarlyAnswer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EarlyAnswer").finish_non_exhaustive()
    }
}
