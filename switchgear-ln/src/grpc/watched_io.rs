use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The TLS error that a connection broke with, if it was one.
///
/// HTTP/2 passes on no more than a kind and a text, and would lose that a node refused this side's
/// certificate; in TLS 1.3 it says so after the handshake.
pub(super) type TlsBreakage = Arc<OnceLock<io::Error>>;

/// A stream that keeps the TLS error it broke with.
#[derive(Debug)]
pub(super) struct WatchedIo<I> {
    inner: I,
    breakage: TlsBreakage,
    /// What writing failed with, until it is told.
    broken: Option<io::Error>,
}

impl<I> WatchedIo<I> {
    pub(super) fn new(inner: I, breakage: TlsBreakage) -> Self {
        Self {
            inner,
            breakage,
            broken: None,
        }
    }

    /// A TLS error stays here; who reads on gets another of the same kind.
    fn keep(&self, error: io::Error) -> io::Error {
        if !error
            .get_ref()
            .is_some_and(|inner| inner.is::<rustls::Error>())
        {
            return error;
        }
        let told = io::Error::new(error.kind(), error.to_string());
        // A second error is a consequence of the first.
        let _ = self.breakage.set(error);
        told
    }
}

impl<I: AsyncRead + Unpin> WatchedIo<I> {
    /// The outcome of writing. A node that refuses sends its reason and hangs up; where writing finds
    /// that out first, nobody would read any more, so an error waits for the last that was sent.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(Err(error)) => {
                self.broken = Some(self.keep(error));
                self.last_words(cx).map(Err)
            }
            polled => polled,
        }
    }

    fn last_words(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut scratch = [0; 1024];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                Ok(()) => break,
                Err(reason) => {
                    self.keep(reason);
                    break;
                }
            }
        }
        let told = self.broken.take();
        Poll::Ready(told.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for WatchedIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        polled.map_err(|error| self.keep(error))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WatchedIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.broken.is_some() {
            return self.last_words(cx).map(Err);
        }
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.written(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.broken.is_some() {
            return self.last_words(cx).map(Err);
        }
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_some() {
            return self.last_words(cx).map(Err);
        }
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.written(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
