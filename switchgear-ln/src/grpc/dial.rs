use std::{io, sync::Arc, time::Duration};

use http::uri::PathAndQuery;
use hyper::client::conn::http2;
use hyper_util::{
    client::legacy::connect::HttpConnector,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::body::Body;
use tower_service::Service as _;

use super::{
    channel::Channel,
    target::Target,
    watched_io::{TlsBreakage, WatchedIo},
};
use crate::tls::Trust;

/// After this silence a connection that a call waits on is asked for a sign of life.
///
/// LND hangs up on a client that pings more often than every 5 s, and on one that pings a few times
/// while no call is in flight; so an idle connection is left to TCP.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(6);

/// With the interval, calls on a dead link fail within 9 s.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the kernel waits for what it sent to be acknowledged, its own probes included.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(9);

/// After this silence the kernel probes a connection, which no program on the other side sees: a link
/// that died while no call was in flight ends within 10 s.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The time between probes, after the first.
const TCP_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// How many probes may stay without an answer, where there is no user timeout to say so.
const TCP_KEEP_ALIVE_PROBES: u32 = 4;

/// What must be polled for a connection to live; it ends when the connection takes no more calls.
pub(super) type Driver =
    http2::Connection<TokioIo<WatchedIo<TlsStream<TcpStream>>>, Body, TokioExecutor>;

/// Makes connections to one node.
#[derive(Debug)]
pub(super) struct Dialer {
    target: Arc<Target>,
    timeout: Duration,
}

impl Dialer {
    /// Connecting to `target` may take `timeout`, TLS included.
    pub(super) fn new(target: Target, timeout: Duration) -> Self {
        Self {
            target: Arc::new(target),
            timeout,
        }
    }

    /// How long connecting may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Connects once.
    pub(super) async fn dial(&self, trust: &Trust) -> Result<(Channel, Driver), ConnectFailure> {
        tokio::time::timeout(self.timeout, self.connect(trust))
            .await
            .unwrap_or(Err(ConnectFailure::TimedOut(self.timeout)))
    }

    /// HTTP/2 windows stay as hyper has them, 2 MiB a call and 5 MiB a connection: a list of a
    /// hundred thousand channels takes some round trips more, and an invoice is a kilobyte.
    async fn connect(&self, trust: &Trust) -> Result<(Channel, Driver), ConnectFailure> {
        let tcp = tcp_connector(self.timeout)
            .call(self.target.uri(PathAndQuery::from_static("/")))
            .await
            .map_err(ConnectFailure::tcp)?;
        let tls = TlsConnector::from(trust.config())
            .connect(self.target.name(), tcp.into_inner())
            .await
            .map_err(ConnectFailure::Tls)?;
        if tls.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(ConnectFailure::NotHttp2);
        }
        let breakage = TlsBreakage::default();
        let io = TokioIo::new(WatchedIo::new(tls, Arc::clone(&breakage)));
        let (sender, driver) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(false)
            // Answers to calls that were given up are counted for a connection's whole life, and it would
            // end beyond a number of them: after each stall of the node or the network there are some.
            .max_local_error_reset_streams(None)
            .handshake(io)
            .await
            .map_err(ConnectFailure::Http2)?;
        let channel = Channel::new(sender, Arc::clone(&self.target), breakage);
        Ok((channel, driver))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFailure {
    /// The name is not found, or nothing listens there.
    #[error("cannot connect")]
    Tcp(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// One side does not take the other's certificate, or the node speaks no TLS.
    #[error("cannot shake hands")]
    Tls(#[source] io::Error),
    /// TLS is there, and no gRPC.
    #[error("the node does not speak HTTP/2, is this its gRPC port?")]
    NotHttp2,
    /// HTTP/2 failed.
    #[error("cannot speak HTTP/2")]
    Http2(#[source] hyper::Error),
    /// Nothing failed, and nothing came.
    #[error("cannot connect within {0:?}")]
    TimedOut(Duration),
    /// The runtime stopped meanwhile.
    #[error("connecting was interrupted")]
    Interrupted,
}

impl ConnectFailure {
    fn tcp(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Tcp(error.into())
    }
}

/// The TCP side of a connection; `timeout` is shared among the addresses of a name.
fn tcp_connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(timeout));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    connector.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
    connector.set_keepalive(Some(TCP_KEEP_ALIVE));
    connector.set_keepalive_interval(Some(TCP_KEEP_ALIVE_INTERVAL));
    connector.set_keepalive_retries(Some(TCP_KEEP_ALIVE_PROBES));
    connector
}

#[cfg(all(test, feature = "sim", target_os = "linux"))]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_kernel_watches_over_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://{}/", listener.local_addr().unwrap());
        let mut connector = tcp_connector(Duration::from_secs(5));
        let tcp = connector.call(uri.parse().unwrap()).await.unwrap();

        let socket = SockRef::from(tcp.inner());
        assert!(socket.keepalive().unwrap());
        assert!(socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(TCP_USER_TIMEOUT));
        assert_eq!(socket.tcp_keepalive_time().unwrap(), TCP_KEEP_ALIVE);
        let interval = socket.tcp_keepalive_interval().unwrap();
        assert_eq!(interval, TCP_KEEP_ALIVE_INTERVAL);
        let probes = socket.tcp_keepalive_retries().unwrap();
        assert_eq!(probes, TCP_KEEP_ALIVE_PROBES);
    }
}
