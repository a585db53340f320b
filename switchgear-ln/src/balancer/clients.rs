use std::{collections::BTreeMap, fmt, sync::Arc};

use arc_swap::{ArcSwap, ArcSwapOption};
use switchgear_core::{
    backend::Backend,
    balance::NodeId,
    ln::{LnClient, Network, NodeStatus},
};

/// The live client of every node, read by requests without a lock and replaced by the driver.
#[derive(Debug, Default)]
pub(super) struct Clients(ArcSwap<BTreeMap<NodeId, Arc<NodeClient>>>);

impl Clients {
    pub(super) fn get(&self, id: NodeId) -> Option<Arc<NodeClient>> {
        self.0.load().get(&id).cloned()
    }

    pub(super) fn insert(&self, id: NodeId, client: NodeClient) -> Arc<NodeClient> {
        let client = Arc::new(client);
        self.change(|clients| {
            clients.insert(id, Arc::clone(&client));
        });
        client
    }

    /// Forgets the node's client; its connection closes when the calls that still hold it are done.
    pub(super) fn remove(&self, id: NodeId) {
        self.change(|clients| {
            clients.remove(&id);
        });
    }

    fn change(&self, change: impl Fn(&mut BTreeMap<NodeId, Arc<NodeClient>>)) {
        self.0.rcu(|clients| {
            let mut clients = BTreeMap::clone(clients);
            change(&mut clients);
            clients
        });
    }
}

/// A node's client, and what the node last said of itself.
#[derive(Debug)]
pub(super) struct NodeClient {
    pub(super) backend: Backend,
    pub(super) client: Arc<dyn LnClient>,
    status: Arc<ArcSwapOption<NodeStatus>>,
}

impl NodeClient {
    pub(super) fn new(backend: Backend, client: Arc<dyn LnClient>) -> Self {
        Self {
            backend,
            client,
            status: Arc::default(),
        }
    }

    /// The same client of a node whose description changed in name, weight or partitions only.
    pub(super) fn redescribed(&self, backend: Backend) -> Self {
        Self {
            backend,
            client: Arc::clone(&self.client),
            status: Arc::clone(&self.status),
        }
    }

    pub(super) fn remember(&self, status: NodeStatus) {
        self.status.store(Some(Arc::new(status)));
    }

    /// The network that the node reported at its last good check.
    pub(super) fn network(&self) -> Option<Network> {
        self.status
            .load()
            .as_ref()
            .and_then(|status| status.network)
    }

    /// What a log line calls the node.
    pub(super) fn label(&self) -> Label<'_> {
        Label(&self.backend)
    }
}

/// A backend as a log line names it: its name where it has one, and its address.
#[derive(Debug)]
pub(super) struct Label<'a>(pub(super) &'a Backend);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0.address.readable();
        match &self.0.name {
            Some(name) => write!(f, "{:?} ({address})", name.as_str()),
            None => f.write_str(&address),
        }
    }
}
