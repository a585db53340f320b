use std::{io, net::SocketAddr, sync::Arc};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    gate::Gated,
    lightning::Lightning,
    state::{Counters, State},
};
use crate::lnd::proto::lightning_server::LightningServer;

/// The open door of a node; dropping it closes the door and breaks all connections.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    stop: watch::Sender<Option<Stop>>,
    closed: oneshot::Receiver<()>,
}

/// How connections end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// When their calls are done.
    Drain,
    /// At once.
    Abort,
}

impl Listener {
    /// Listens at `address`.
    pub(super) async fn bind(address: SocketAddr, state: Arc<State>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(None);
        let (closing, closed) = oneshot::channel();
        tokio::spawn(accept(listener, state, stopped, closing));
        Ok(Self {
            address,
            stop,
            closed,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections from when this returns on; with [`Stop::Abort`] the open ones are gone by
    /// then as well.
    pub(super) async fn stop(self, how: Stop) {
        self.stop.send_replace(Some(how));
        // An error means that the task is gone, and the port with it.
        let _ = self.closed.await;
    }
}

async fn accept(
    listener: TcpListener,
    state: Arc<State>,
    mut stopped: watch::Receiver<Option<Stop>>,
    closing: oneshot::Sender<()>,
) {
    let mut connections = JoinSet::new();
    let how = loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    Counters::add(&state.counters.connections);
                    connections.spawn(serve(stream, Arc::clone(&state), stopped.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
            how = stop(&mut stopped) => break how,
        }
    };
    drop(listener);
    if how == Stop::Abort {
        connections.shutdown().await;
    }
    // Nobody may be waiting.
    let _ = closing.send(());
    while connections.join_next().await.is_some() {}
}

/// One connection until it ends or is told to.
async fn serve(stream: TcpStream, state: Arc<State>, mut stopped: watch::Receiver<Option<Stop>>) {
    // Without it each answer waits for an acknowledgement that the client delays. A socket that
    // refuses is about to break anyway.
    let _ = stream.set_nodelay(true);
    let tls = TlsAcceptor::from(state.certificate.lock().server());
    let stream = Gated::new(stream, Arc::clone(&state.gate));
    // A client that does not like the certificate hangs up here.
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let service = TowerToHyperService::new(LightningServer::new(Lightning(state)));
    let connection =
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        how = stop(&mut stopped) => {
            if how == Stop::Abort {
                return;
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    // An error is the client's hanging up.
    let _ = connection.await;
}

/// Waits until told to stop; a handle that is gone tells to stop at once.
async fn stop(stopped: &mut watch::Receiver<Option<Stop>>) -> Stop {
    match stopped.wait_for(Option::is_some).await {
        Ok(how) => how.unwrap_or(Stop::Abort),
        Err(_) => Stop::Abort,
    }
}
