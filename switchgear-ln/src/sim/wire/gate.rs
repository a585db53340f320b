use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sim::{FaultKind, counters::Counters};

/// Freezes all connections of a node at once, and thaws them.
#[derive(Debug)]
pub(in crate::sim) struct Gate {
    frozen: AtomicBool,
    held: Mutex<Held>,
    counters: Arc<Counters>,
}

/// Who waits, and what for.
#[derive(Debug)]
struct Held {
    cause: FaultKind,
    waiting: Vec<Waker>,
}

impl Gate {
    /// An open gate that counts what it holds up.
    pub(in crate::sim) fn new(counters: Arc<Counters>) -> Self {
        Self {
            frozen: AtomicBool::new(false),
            held: Mutex::new(Held {
                cause: FaultKind::Freeze,
                waiting: Vec::new(),
            }),
            counters,
        }
    }

    /// From now on nothing is read or written.
    pub(in crate::sim) fn freeze(&self, cause: FaultKind) {
        self.held.lock().cause = cause;
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Goes on where it stopped.
    pub(in crate::sim) fn thaw(&self) {
        self.frozen.store(false, Ordering::SeqCst);
        let waiting = std::mem::take(&mut self.held.lock().waiting);
        for waker in waiting {
            waker.wake();
        }
    }

    fn pass(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.frozen.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let mut held = self.held.lock();
        // Thawing since the look above would have woken nobody.
        if !self.frozen.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        held.waiting.push(cx.waker().clone());
        self.counters.served(held.cause);
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

    pub(super) fn inner(&self) -> &I {
        &self.inner
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
