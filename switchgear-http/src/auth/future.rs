use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use pin_project_lite::pin_project;

use crate::body::Body;

pin_project! {
    /// The response of a [`Bearer`](super::Bearer): the inner one, or 401 at once.
    pub struct BearerFuture<F> {
        #[pin]
        inner: Option<F>,
        refusal: Option<Response<Body>>,
    }
}

impl<F> BearerFuture<F> {
    pub(super) fn allowed(inner: F) -> Self {
        Self {
            inner: Some(inner),
            refusal: None,
        }
    }

    pub(super) fn refused(refusal: Response<Body>) -> Self {
        Self {
            inner: None,
            refusal: Some(refusal),
        }
    }
}

impl<F, E> Future for BearerFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.inner.as_pin_mut() {
            Some(inner) => inner.poll(cx),
            None => Poll::Ready(Ok(this
                .refusal
                .take()
                .expect("a future is not polled after it has answered"))),
        }
    }
}

impl<F> fmt::Debug for BearerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerFuture").finish_non_exhaustive()
    }
}
