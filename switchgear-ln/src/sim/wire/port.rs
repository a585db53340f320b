use std::{io, mem, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;

use super::listener::{Draining, Listener, Order};
use crate::sim::state::State;

/// The port of a node: open or closed, and connections of before that finish their calls. Dropping
/// it closes it and breaks all connections.
#[derive(Debug)]
pub(in crate::sim) struct Port {
    address: SocketAddr,
    listener: Mutex<Option<Listener>>,
    draining: Mutex<Vec<Draining>>,
}

impl Port {
    /// Opens at `address`.
    pub(in crate::sim) async fn bind(address: SocketAddr, state: &Arc<State>) -> io::Result<Self> {
        let listener = Listener::bind(address, Arc::clone(state)).await?;
        Ok(Self {
            address: listener.address(),
            listener: Mutex::new(Some(listener)),
            draining: Mutex::default(),
        })
    }

    /// Where it is, or was last.
    pub(in crate::sim) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens again at the same address, unless it is open.
    pub(in crate::sim) async fn open(&self, state: &Arc<State>) -> io::Result<()> {
        if self.listener.lock().is_some() {
            return Ok(());
        }
        let listener = Listener::bind(self.address, Arc::clone(state)).await?;
        *self.listener.lock() = Some(listener);
        Ok(())
    }

    /// Refuses connections from when this returns on, while the open ones finish their calls. Says
    /// whether it was open.
    pub(in crate::sim) async fn drain(&self) -> bool {
        let Some(listener) = self.take() else {
            return false;
        };
        let drained = listener.drain().await;
        let mut draining = self.draining.lock();
        draining.retain(|earlier| !earlier.is_over());
        draining.push(drained);
        true
    }

    /// Refuses connections, and has broken all when this returns. Says whether it was open, or had
    /// any.
    pub(in crate::sim) async fn abort(&self) -> bool {
        let listener = self.take();
        let open = listener.is_some();
        if let Some(listener) = listener {
            listener.abort().await;
        }
        self.break_draining().await || open
    }

    /// Ends all connections, and goes on taking others if it does.
    pub(in crate::sim) async fn break_connections(&self) -> io::Result<()> {
        self.break_draining().await;
        self.tell(Order::BreakConnections).await
    }

    /// Establishes no connection any more.
    pub(in crate::sim) async fn plug(&self) -> io::Result<()> {
        self.tell(Order::Plug).await
    }

    /// Establishes connections again.
    pub(in crate::sim) async fn unplug(&self) -> io::Result<()> {
        self.tell(Order::Unplug).await
    }

    fn take(&self) -> Option<Listener> {
        self.listener.lock().take()
    }

    async fn break_draining(&self) -> bool {
        let draining = mem::take(&mut *self.draining.lock());
        let mut broken = false;
        for drained in draining {
            broken |= !drained.is_over();
            drained.abort().await;
        }
        broken
    }

    /// A closed port has nothing to do.
    async fn tell(&self, order: Order) -> io::Result<()> {
        let answer = self.listener.lock().as_ref().map(|open| open.order(order));
        match answer {
            Some(answer) => answer.wait().await,
            None => Ok(()),
        }
    }
}
