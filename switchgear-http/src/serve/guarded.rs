use std::{
    fmt,
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::activity::{RequestGuard, Unsent};

pin_project! {
    /// A response's body that keeps its request alive until the peer has taken all of it, or it is
    /// given up.
    pub(super) struct Guarded<B> {
        #[pin]
        body: B,
        request: Arc<RequestGuard>,
        // None while the body itself waits for more: that is not the peer's fault.
        unsent: Option<Unsent>,
    }
}

impl<B> Guarded<B> {
    pub(super) fn new(body: B, request: RequestGuard) -> Self {
        let unsent = request.unsent();
        Self {
            body,
            request: Arc::new(request),
            unsent,
        }
    }
}

impl<B: Body> Body for Guarded<B> {
    type Data = Part<B::Data>;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        *this.unsent = polled.is_ready().then(|| this.request.unsent()).flatten();
        polled.map_ok(|frame| frame.map_data(|data| Part::new(data, this.request)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for Guarded<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

/// A part of a body on its way. HTTP/2 holds it while the peer makes no room, longer than the body.
pub(super) struct Part<D> {
    data: D,
    unsent: Option<Unsent>,
    _request: Arc<RequestGuard>,
}

impl<D> Part<D> {
    fn new(data: D, request: &Arc<RequestGuard>) -> Self {
        Self {
            data,
            unsent: request.unsent(),
            _request: Arc::clone(request),
        }
    }

    fn progress(&self) {
        if let Some(unsent) = &self.unsent {
            unsent.progress();
        }
    }
}

impl<D: Buf> Buf for Part<D> {
    fn remaining(&self) -> usize {
        self.data.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.data.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.data.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.progress();
        self.data.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.progress();
        self.data.copy_to_bytes(count)
    }
}
