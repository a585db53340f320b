use std::{error::Error, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use futures::FutureExt as _;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{Limits, PeerAddr, ServeConfig, ServeError, connection, socket, tls};

/// How long to wait before accepting again when the process has no descriptors left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// A bound listener that is ready to serve.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    limits: Limits,
}

impl Server {
    /// Binds the address and reads the certificate. Connections wait in the kernel until
    /// [`Self::run`].
    ///
    /// # Errors
    /// When the address cannot be bound, or the TLS files do not serve.
    pub async fn bind(config: ServeConfig) -> Result<Self, ServeError> {
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let refused = |source| ServeError::Bind {
            address: config.address,
            source,
        };
        let listener = socket::listen(config.address, config.reuse_port).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            listener,
            address,
            tls,
            limits: config.limits,
        })
    }

    /// Where it listens, with the port that it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is over; then accepts nothing more, closes idle connections at once,
    /// lets requests that have begun finish, and after `drain_timeout` drops what is left.
    ///
    /// Each request has its [`PeerAddr`] in its extensions.
    ///
    /// # Errors
    /// None at present: a listener that fails to accept is tried again.
    pub async fn run<S, B, F>(
        self,
        service: S,
        shutdown: F,
        drain_timeout: Duration,
    ) -> Result<(), ServeError>
    where
        S: tower_service::Service<Request<Incoming>, Response = Response<B>>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        F: Future<Output = ()>,
    {
        let permits = Arc::new(Semaphore::new(
            self.limits.connections.min(Semaphore::MAX_PERMITS),
        ));
        let (drain, draining) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.as_mut() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = accept(&self.listener, &permits) => accepted,
            };
            connections.spawn(self.serve(accepted, service.clone(), draining.clone()));
        }
        // Whoever connected before the end has perhaps sent a request already.
        while let Some(accepted) = accept(&self.listener, &permits).now_or_never() {
            connections.spawn(self.serve(accepted, service.clone(), draining.clone()));
        }
        drop(self.listener);
        drain.send_replace(true);
        finish(connections, drain_timeout, self.address).await;
        Ok(())
    }

    fn serve<S, B>(
        &self,
        accepted: Accepted,
        service: S,
        drain: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + 'static + use<S, B>
    where
        S: tower_service::Service<Request<Incoming>, Response = Response<B>>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (tls, limits) = (self.tls.clone(), self.limits.clone());
        async move {
            let Accepted {
                stream,
                peer,
                permit: _permit,
            } = accepted;
            let Some(tls) = tls else {
                return connection::serve(stream, service, peer, limits, drain).await;
            };
            match tokio::time::timeout(limits.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => connection::serve(stream, service, peer, limits, drain).await,
                Ok(Err(error)) => {
                    tracing::debug!("the TLS handshake with {} failed: {error}", peer.0);
                }
                Err(_) => tracing::debug!("the TLS handshake with {} took too long", peer.0),
            }
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A connection and its place among those allowed.
struct Accepted {
    stream: TcpStream,
    peer: PeerAddr,
    permit: OwnedSemaphorePermit,
}

/// Accepts the next connection, once there is place for it. Failures are waited out: they are a
/// single connection's, or pass when others close.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Accepted {
    let permit = Arc::clone(permits)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without it small answers wait for acknowledgements; where it fails, they do.
                let _ = stream.set_nodelay(true);
                return Accepted {
                    stream,
                    peer: PeerAddr(peer),
                    permit,
                };
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!("connections cannot be accepted at present: {error}");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

async fn finish(mut connections: JoinSet<()>, limit: Duration, address: SocketAddr) {
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, all).await.is_err() {
        let left = connections.len();
        tracing::warn!("{left} connections to {address} did not end in {limit:?} and are dropped");
        connections.shutdown().await;
    }
}
