use std::collections::BTreeSet;

use super::{Ejection, Entry, Fleet, Health, Node, NodeId};
use crate::{Moment, Partition, backend::Backend};

/// What a discovery snapshot changed for whoever keeps connections and clocks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FleetUpdate {
    /// Nodes to connect to and to check from now on.
    pub started: Vec<FleetNode>,
    /// Nodes whose way of being reached changed: connect anew.
    pub reconnected: Vec<FleetNode>,
    /// Nodes whose name, weight or partitions changed, and nothing else.
    pub redescribed: Vec<FleetNode>,
    /// Nodes that are gone or disabled: close their connections when their calls are done.
    pub stopped: Vec<NodeId>,
}

/// A node and how discovery describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetNode {
    /// Its name within the fleet.
    pub id: NodeId,
    /// Its description.
    pub backend: Backend,
}

/// How a node's standing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthChange {
    /// Its checks succeed.
    Healthy,
    /// Its checks fail.
    Unhealthy,
    /// Its calls fail; it is put aside.
    Ejected,
    /// It made an invoice and is back.
    Readmitted,
}

impl Fleet {
    pub(super) fn add(
        &mut self,
        backend: Backend,
        now: Moment,
        update: &mut FleetUpdate,
        dirty: &mut BTreeSet<Partition>,
    ) {
        let id = NodeId(self.next_id);
        self.next_id += 1;
        let node = Node::new(id, backend.address.clone(), self.config.ejection.failures);
        let entry = Entry {
            node: node.into(),
            backend,
            health: Health::new(now),
            ejection: Ejection::default(),
        };
        dirty.extend(entry.backend.partitions.iter().cloned());
        if entry.backend.enabled {
            update.started.push(entry.describe());
        }
        self.ids.insert(entry.backend.address.clone(), id);
        self.entries.insert(id, entry);
    }

    pub(super) fn change(
        &mut self,
        id: NodeId,
        backend: Backend,
        now: Moment,
        update: &mut FleetUpdate,
        dirty: &mut BTreeSet<Partition>,
    ) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if entry.backend == backend {
            return;
        }
        dirty.extend(entry.backend.partitions.iter().cloned());
        dirty.extend(backend.partitions.iter().cloned());
        let before = std::mem::replace(&mut entry.backend, backend);
        match (before.enabled, entry.backend.enabled) {
            (false, true) => {
                entry.health = Health::new(now);
                entry.ejection = Ejection::default();
                entry.node.set_probe_at(None);
                entry.node.forget_failures();
                update.started.push(entry.describe());
            }
            (true, false) => update.stopped.push(id),
            (true, true) if before.implementation != entry.backend.implementation => {
                update.reconnected.push(entry.describe());
            }
            (true, true) => update.redescribed.push(entry.describe()),
            (false, false) => {}
        }
    }

    pub(super) fn remove(
        &mut self,
        id: NodeId,
        update: &mut FleetUpdate,
        dirty: &mut BTreeSet<Partition>,
    ) {
        let Some(entry) = self.entries.remove(&id) else {
            return;
        };
        entry.node.set_open(false);
        dirty.extend(entry.backend.partitions.iter().cloned());
        if entry.backend.enabled {
            update.stopped.push(id);
        }
    }
}

impl Entry {
    fn describe(&self) -> FleetNode {
        FleetNode {
            id: self.node.id(),
            backend: self.backend.clone(),
        }
    }
}
