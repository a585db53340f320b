use std::{collections::BTreeMap, fmt, sync::Arc};

use arc_swap::{ArcSwap, ArcSwapOption};
use switchgear_core::{
    backend::Backend,
    balance::NodeId,
    ln::{LnClient, LnError, Network, NodeStatus},
};

/// The live client of every node, read by requests without a lock and replaced by the driver.
#[derive(Debug, Default)]
pub(super) struct Clients(ArcSwap<BTreeMap<NodeId, Arc<NodeClient>>>);

impl Clients {
    pub(super) fn get(&self, id: NodeId) -> Option<Arc<NodeClient>> {
        self.0.load().get(&id).cloned()
    }

    /// All clients, to be changed and published again by their one owner.
    pub(super) fn roster(&self) -> BTreeMap<NodeId, Arc<NodeClient>> {
        BTreeMap::clone(&self.0.load())
    }

    /// Replaces all clients. The connection of one that is missing closes when the calls that still hold
    /// it are done.
    pub(super) fn publish(&self, roster: BTreeMap<NodeId, Arc<NodeClient>>) {
        self.0.store(Arc::new(roster));
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

    /// The network that the node last reported, once it has answered at all; `None` inside for one that no
    /// invoice can name.
    pub(super) fn reported_network(&self) -> Option<Option<Network>> {
        self.status.load().as_ref().map(|status| status.network)
    }

    /// The network that the node reports now; `None` for one that no invoice can name.
    pub(super) async fn ask_network(&self) -> Result<Option<Network>, LnError> {
        let status = self.client.status().await?;
        let network = status.network;
        self.remember(status);
        Ok(network)
    }

    /// Whether both reach the node by the same client.
    pub(super) fn is_reached_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.client, &other.client)
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
