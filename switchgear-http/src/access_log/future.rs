use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use super::Line;

pin_project! {
    /// The response of an [`AccessLog`](super::AccessLog).
    pub struct AccessLogFuture<F> {
        #[pin]
        inner: F,
        line: Line,
    }
}

impl<F> AccessLogFuture<F> {
    pub(super) fn new(inner: F, line: Line) -> Self {
        Self { inner, line }
    }
}

impl<F, R, E> Future for AccessLogFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        match &result {
            Ok(response) => {
                let size = response.body().size_hint().exact();
                this.line.end(response.status(), size);
            }
            Err(_) => this.line.end(StatusCode::INTERNAL_SERVER_ERROR, None),
        }
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for AccessLogFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLogFuture").finish_non_exhaustive()
    }
}
