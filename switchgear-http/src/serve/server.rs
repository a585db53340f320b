use std::{error::Error, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::body::Incoming;
use switchgear_core::ErrorChain;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinError, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Limits, ServeConfig, ServeError,
    activity::FAREWELL,
    connection,
    door::{Accepted, Door},
    socket,
    tls::Tls,
};
use crate::{escape::Escaped, failure};

/// A bound listener that is ready to serve.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    limits: Limits,
}

impl Server {
    /// Binds the address and reads the certificate. Connections wait in the kernel until
    /// [`Self::run`], which reads it again when it changes.
    ///
    /// # Errors
    /// When the address cannot be bound, or the TLS files do not serve.
    pub async fn bind(config: ServeConfig) -> Result<Self, ServeError> {
        let tls = config.tls.as_ref().map(Tls::new).transpose()?;
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
    /// Each request has its [`PeerAddr`](super::PeerAddr) in its extensions. Handshakes get what the
    /// files of the certificate hold, within two seconds of a change; files that do not go together
    /// change nothing, and are told of once.
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
        let Self {
            listener,
            address,
            tls,
            limits,
        } = self;
        let mut door = Door::new(listener, limits.connections);
        // Ends with this call.
        let mut helpers = JoinSet::new();
        let tls = tls.map(|tls| {
            helpers.spawn(tls.certificates.watch());
            tls.acceptor
        });
        let limits = Arc::new(limits);
        let (drain, draining) = watch::channel(false);
        let mut connections = JoinSet::new();
        let open = move |accepted, connections: &mut JoinSet<()>| {
            let (service, tls) = (service.clone(), tls.clone());
            let (limits, draining) = (Arc::clone(&limits), draining.clone());
            connections.spawn(serve(accepted, service, tls, limits, draining));
        };
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = shutdown.as_mut() => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => report(ended),
                accepted = door.accept() => open(accepted, &mut connections),
            }
        }
        // Whoever connected before the end has perhaps sent a request already.
        for accepted in door.close().await {
            open(accepted, &mut connections);
        }
        drain.send_replace(true);
        finish(connections, drain_timeout, address).await;
        Ok(())
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

async fn serve<S, B>(
    accepted: Accepted,
    service: S,
    tls: Option<TlsAcceptor>,
    limits: Arc<Limits>,
    drain: watch::Receiver<bool>,
) where
    S: tower_service::Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Accepted {
        stream,
        peer,
        place: _place,
    } = accepted;
    let Some(tls) = tls else {
        return connection::serve(stream, service, peer, limits, drain).await;
    };
    let handshake = tokio::select! {
        handshake = tokio::time::timeout(limits.header_timeout, tls.accept(stream)) => handshake.ok(),
        () = farewell(drain.clone()) => None,
    };
    match handshake {
        Some(Ok(stream)) => connection::serve(stream, service, peer, limits, drain).await,
        Some(Err(error)) => {
            let error = ErrorChain(&error);
            tracing::debug!("the TLS handshake with {} failed: {error}", peer.0);
        }
        None => tracing::debug!("the TLS handshake with {} took too long", peer.0),
    }
}

/// Waits until the server has been draining for as long as a handshake may then still take.
async fn farewell(mut drain: watch::Receiver<bool>) {
    // An error means that the server is gone, and its connections with it.
    let _ = drain.wait_for(|draining| *draining).await;
    tokio::time::sleep(FAREWELL).await;
}

async fn finish(mut connections: JoinSet<()>, limit: Duration, address: SocketAddr) {
    let all = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(limit, all).await.is_err() {
        let left = connections.len();
        tracing::warn!("{left} connections to {address} did not end in {limit:?} and are dropped");
        connections.shutdown().await;
    }
}

/// Says that a connection panicked; whatever else ended one is its own affair.
fn report(ended: Result<(), JoinError>) {
    if let Some(Ok(panic)) = ended.err().map(JoinError::try_into_panic) {
        let message = failure::panic_message(&*panic);
        tracing::error!("a connection panicked: {}", Escaped(message));
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;
    use crate::testing::Recorder;

    #[tokio::test]
    async fn says_that_a_connection_panicked_and_nothing_of_other_ends() {
        let recorder = Recorder::default();
        let _guard = tracing::subscriber::set_default(recorder.clone());
        let mut connections = JoinSet::new();
        connections.spawn(async { panic!("on\npurpose") });
        connections.spawn(async {});
        connections.spawn(std::future::pending()).abort();
        finish(connections, Duration::MAX, ([127, 0, 0, 1], 1).into()).await;
        let logged = recorder.take();
        let [(level, _, message)] = logged.as_slice() else {
            panic!("one line, not {logged:?}");
        };
        assert_eq!(*level, Level::ERROR);
        assert_eq!(message, r"a connection panicked: on\npurpose");
    }
}
