use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::sleep,
};

use super::{backlog::Backlog, connection};
use crate::sim::state::State;

/// How long to wait after the kernel gave no connection: it may have no file descriptor left, and
/// would say so again at once.
const BREATH: Duration = Duration::from_millis(10);

/// The open door of a node; dropping it closes the door and breaks all connections.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    orders: mpsc::UnboundedSender<(Order, oneshot::Sender<io::Result<()>>)>,
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

/// What an open door can be told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// End all connections, and go on taking others; the open ones are gone when the answer is
    /// there.
    BreakConnections,
    /// Establish no connection any more.
    Plug,
    /// Establish connections again.
    Unplug,
}

impl Listener {
    /// Listens at `address`.
    pub(super) async fn bind(address: SocketAddr, state: Arc<State>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(None);
        let (closing, closed) = oneshot::channel();
        let door = Door {
            listener,
            backlog: Backlog::default(),
            connections: JoinSet::new(),
            state,
            stopped,
        };
        tokio::spawn(door.keep(ordered, closing));
        Ok(Self {
            address,
            orders,
            stop,
            closed,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections from when this returns on; the open ones finish their calls.
    pub(super) async fn drain(self) -> Draining {
        self.stop.send_replace(Some(Stop::Drain));
        // An error means that the task is gone, and the port with it.
        let _ = self.closed.await;
        Draining(self.stop)
    }

    /// Refuses connections, and has broken the open ones when this returns.
    pub(super) async fn abort(self) {
        Draining(self.stop).abort().await;
    }

    pub(super) fn order(&self, order: Order) -> Answer {
        let (done, answer) = oneshot::channel();
        // An order to a door that is gone is answered below.
        let _ = self.orders.send((order, done));
        Answer(answer)
    }
}

/// The outcome of an order, which does not need the listener any more.
#[derive(Debug)]
pub(super) struct Answer(oneshot::Receiver<io::Result<()>>);

impl Answer {
    pub(super) async fn wait(self) -> io::Result<()> {
        let gone = |_| io::Error::other("the node stopped meanwhile");
        self.0.await.map_err(gone)?
    }
}

/// Connections that finish their calls behind a closed door; dropping it breaks them.
#[derive(Debug)]
pub(super) struct Draining(watch::Sender<Option<Stop>>);

impl Draining {
    /// Whether none is left.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_closed()
    }

    /// None is left when this returns.
    pub(super) async fn abort(self) {
        self.0.send_replace(Some(Stop::Abort));
        self.0.closed().await;
    }
}

/// What stands behind a [`Listener`].
struct Door {
    listener: TcpListener,
    backlog: Backlog,
    connections: JoinSet<()>,
    state: Arc<State>,
    stopped: watch::Receiver<Option<Stop>>,
}

impl Door {
    async fn keep(
        mut self,
        mut orders: mpsc::UnboundedReceiver<(Order, oneshot::Sender<io::Result<()>>)>,
        closing: oneshot::Sender<()>,
    ) {
        let mut stopped = self.stopped.clone();
        let how = loop {
            tokio::select! {
                accepted = self.listener.accept(), if !self.backlog.is_plugged() => {
                    match accepted {
                        Ok((stream, peer)) => self.welcome(stream, peer),
                        Err(_) => sleep(BREATH).await,
                    }
                }
                Some((order, done)) = orders.recv() => {
                    // Who gave the order may have left.
                    let _ = done.send(self.obey(order).await);
                }
                Some(_) = self.connections.join_next() => {}
                how = stop(&mut stopped) => break how,
            }
        };
        drop(self.listener);
        if how == Stop::Abort {
            self.connections.shutdown().await;
        }
        // Nobody may be waiting.
        let _ = closing.send(());
        tokio::select! {
            () = drained(&mut self.connections) => {}
            () = aborted(&mut stopped) => self.connections.shutdown().await,
        }
    }

    fn welcome(&mut self, stream: TcpStream, peer: SocketAddr) {
        if self.backlog.was_plug(peer) {
            return;
        }
        self.state.counters.connection();
        let state = Arc::clone(&self.state);
        let serving = connection::serve(stream, state, self.stopped.clone());
        self.connections.spawn(serving);
    }

    async fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::BreakConnections => self.connections.shutdown().await,
            Order::Plug => self.backlog.plug(&self.listener).await?,
            Order::Unplug => self.backlog.unplug(&self.listener)?,
        }
        Ok(())
    }
}

/// Waits until told to stop; a handle that is gone tells to stop at once.
pub(super) async fn stop(stopped: &mut watch::Receiver<Option<Stop>>) -> Stop {
    match stopped.wait_for(Option::is_some).await {
        Ok(how) => how.unwrap_or(Stop::Abort),
        Err(_) => Stop::Abort,
    }
}

/// Waits until told to stop at once, or the handle is gone.
async fn aborted(stopped: &mut watch::Receiver<Option<Stop>>) {
    // An error means that the handle is gone.
    let _ = stopped.wait_for(|how| *how == Some(Stop::Abort)).await;
}

async fn drained(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}
