use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::Sleep;

pin_project! {
    /// A future that may take so long, as tokio's own timeout. Its clock is made when it first has to
    /// wait: most answers are ready at once, and a clock would be a good part of what they cost.
    #[derive(Debug)]
    pub(crate) struct Timeout<F> {
        #[pin]
        inner: F,
        limit: Duration,
        #[pin]
        clock: Option<Sleep>,
    }
}

impl<F> Timeout<F> {
    pub(crate) fn new(limit: Duration, inner: F) -> Self {
        Self {
            inner,
            limit,
            clock: None,
        }
    }
}

/// The limit is over.
#[derive(Debug, thiserror::Error)]
#[error("it took too long")]
pub(crate) struct Elapsed;

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.inner.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if this.clock.is_none() {
            this.clock.set(Some(tokio::time::sleep(*this.limit)));
        }
        match this.clock.as_pin_mut() {
            Some(clock) => clock.poll(cx).map(|()| Err(Elapsed)),
            None => Poll::Pending,
        }
    }
}
