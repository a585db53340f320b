use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Freezes all connections of a node at once, and thaws them.
#[derive(Debug, Default)]
pub(super) struct Gate {
    frozen: AtomicBool,
    held: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
}

impl Gate {
    /// From now on nothing is read or written.
    pub(super) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Goes on where it stopped.
    pub(super) fn thaw(&self) {
        self.frozen.store(false, Ordering::SeqCst);
        for waker in std::mem::take(&mut *self.waiting.lock()) {
            waker.wake();
        }
    }

    /// How many reads and writes were held up so far.
    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::SeqCst)
    }

    fn pass(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.frozen.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        self.waiting.lock().push(cx.waker().clone());
        // Thawing between the look above and the push would have woken nobody.
        if !self.frozen.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        Poll::Pending
    }
}

/// A connection behind the gate.
#[derive(Debug)]
pub(super) struct Gated<I> {
    inner: I,
    gate: Arc<Gate>,
}

impl<I> Gated<I> {
    pub(super) fn new(inner: I, gate: Arc<Gate>) -> Self {
        Self { inner, gate }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Gated<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.gate.pass(cx));
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Gated<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.gate.pass(cx));
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.pass(cx));
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
