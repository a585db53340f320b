use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::gate::Gated;

/// A GOAWAY frame (RFC 9113, section 6.8): eight bytes on stream 0; the last stream that was begun
/// is 0, so none was, and there is no error.
const GO_AWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A connection that HTTP/2 reads and writes, and that can still be ended in rude ways when HTTP/2
/// has let go of it.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<TlsStream<Gated<TcpStream>>>>);

impl Shared {
    pub(super) fn new(stream: TlsStream<Gated<TcpStream>>) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    /// Tells the client to go away, as if no call had arrived, and closes.
    pub(super) async fn go_away(mut self) {
        // Who is gone already needs no telling.
        let _ = self.write_all(&GO_AWAY).await;
        let _ = self.shutdown().await;
    }

    /// Breaks the connection by a TCP reset instead of an orderly end.
    pub(super) fn reset(self) {
        // A socket that refuses is broken already.
        let _ = self.0.lock().get_ref().0.inner().set_zero_linger();
    }
}

impl AsyncRead for Shared {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_read(cx, buf)
    }
}

impl AsyncWrite for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock()).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_shutdown(cx)
    }
}
