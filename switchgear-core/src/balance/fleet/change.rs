use std::sync::Arc;

use super::{Ejection, Entry, Fleet, Health, Node, NodeId, PartitionNumber};
use crate::{Moment, backend::Backend};

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

/// A backend that no snapshot listed before, with what its node needs.
struct NewNode<'a> {
    id: NodeId,
    backend: &'a Backend,
    partitions: Box<[PartitionNumber]>,
}

impl Fleet {
    /// Takes all backends of a discovery snapshot. Nodes that did not change keep their health, their
    /// counters and their identity; the answer lists those that did.
    pub fn update(&mut self, backends: impl AsRef<[Backend]>, now: Moment) -> FleetUpdate {
        let mut update = FleetUpdate::default();
        self.snapshots += 1;
        let mut new = Vec::new();
        for backend in self.without_unchanged(backends.as_ref()) {
            let partitions = self.served(backend);
            match self.ids.get(&backend.address) {
                _ if partitions.is_empty() => {}
                Some(id) => self.change(*id, backend, partitions, now, &mut update),
                None => {
                    let id = self.name(backend);
                    new.push(NewNode {
                        id,
                        backend,
                        partitions,
                    });
                }
            }
        }
        self.add(new, now, &mut update);
        let gone = |entry: &&Entry| entry.listed_in != self.snapshots;
        let gone = self.entries.values().filter(gone);
        for id in gone.map(|entry| entry.node.id()).collect::<Vec<_>>() {
            self.remove(id, &mut update);
        }
        self.known = true;
        update
    }

    /// Takes note of the backends that are known as they are, and returns the others. A feed tells them in
    /// the order of their creation, which is that of the nodes' ids: so most are found without a search.
    fn without_unchanged<'a>(&mut self, backends: &'a [Backend]) -> Vec<&'a Backend> {
        let snapshot = self.snapshots;
        let mut known = self.entries.values_mut().peekable();
        let mut others = Vec::new();
        for backend in backends {
            let is_next = |entry: &&mut Entry| entry.backend.address == backend.address;
            if !known.peek().is_some_and(is_next)
                && let Some(id) = self.ids.get(&backend.address)
            {
                // Those before it are gone, or are told later.
                while known.next_if(|entry| entry.node.id() < *id).is_some() {}
            }
            match known.next_if(is_next) {
                Some(entry) if entry.backend == *backend => entry.listed_in = snapshot,
                _ => others.push(backend),
            }
        }
        others
    }

    /// Takes note that a look at discovery, which began at `asked`, was answered, changed or not. What
    /// was registered after `asked` may be missing from that answer. To be told once what the answer
    /// brought is published: requests conclude from it that there is nobody else.
    pub fn discovered(&mut self, asked: Moment) {
        self.view.set_discovered(asked);
    }

    /// Those of a backend's partitions that the fleet serves.
    fn served(&self, backend: &Backend) -> Box<[PartitionNumber]> {
        let names = backend.partitions.iter();
        names.filter_map(|name| self.view.number(name)).collect()
    }

    /// Gives a new backend its node's id.
    fn name(&mut self, backend: &Backend) -> NodeId {
        let id = NodeId(self.next_id);
        self.next_id += 1;
        self.ids.insert(backend.address.clone(), id);
        id
    }

    fn add(&mut self, new: Vec<NewNode<'_>>, now: Moment, update: &mut FleetUpdate) {
        let failures = self.config.ejection.failures;
        let node = |new: &NewNode<'_>| Node::new(new.id, new.backend.address.clone(), failures);
        // All in one go, so that they lie side by side: a request looks at nodes all over a fleet.
        let nodes: Vec<_> = new.iter().map(|new| Arc::new(node(new))).collect();
        for (node, new) in nodes.into_iter().zip(new) {
            let entry = Entry {
                node,
                backend: new.backend.clone(),
                partitions: new.partitions,
                health: Health::new(now),
                ejection: Ejection::default(),
                reading: None,
                published_reading: None,
                listed_in: self.snapshots,
            };
            if entry.backend.enabled {
                update.started.push(entry.describe());
            }
            self.join(entry);
        }
    }

    fn change(
        &mut self,
        id: NodeId,
        backend: &Backend,
        partitions: Box<[PartitionNumber]>,
        now: Moment,
        update: &mut FleetUpdate,
    ) {
        let snapshot = self.snapshots;
        let Some(known) = self.entries.get_mut(&id) else {
            return;
        };
        // A feed that lists an address twice is taken at its first word.
        let twice = std::mem::replace(&mut known.listed_in, snapshot) == snapshot;
        if twice || known.backend == *backend {
            return;
        }
        let Some(mut entry) = self.leave(id) else {
            return;
        };
        let before = std::mem::replace(&mut entry.backend, backend.clone());
        let left = entry
            .partitions
            .iter()
            .filter(|number| !partitions.contains(number));
        self.urgent.extend(left);
        entry.partitions = partitions;
        match (before.enabled, entry.backend.enabled) {
            (false, true) => {
                entry.forget(now);
                update.started.push(entry.describe());
            }
            (true, false) => update.stopped.push(id),
            (true, true) if before.implementation != entry.backend.implementation => {
                update.reconnected.push(entry.describe());
            }
            (true, true) => update.redescribed.push(entry.describe()),
            (false, false) => {}
        }
        self.join(entry);
    }

    fn remove(&mut self, id: NodeId, update: &mut FleetUpdate) {
        let Some(entry) = self.leave(id) else {
            return;
        };
        self.ids.remove(&entry.backend.address);
        entry.node.live().set_open(false);
        if entry.backend.enabled {
            update.stopped.push(id);
        }
    }

    /// Takes a node into its partitions.
    fn join(&mut self, entry: Entry) {
        entry.refresh_flags();
        let id = entry.node.id();
        let ready = usize::from(entry.is_ready());
        for number in &entry.partitions {
            if let Some(roster) = self.rosters.get_mut(number.0) {
                roster.members.insert(id);
                roster.ready += ready;
            }
        }
        self.awaited += usize::from(entry.is_awaited());
        self.dirty.extend(&entry.partitions);
        self.entries.insert(id, entry);
    }

    /// Takes a node out of its partitions.
    fn leave(&mut self, id: NodeId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        let ready = usize::from(entry.is_ready());
        for number in &entry.partitions {
            if let Some(roster) = self.rosters.get_mut(number.0) {
                roster.members.remove(&id);
                roster.ready -= ready;
            }
        }
        self.awaited -= usize::from(entry.is_awaited());
        self.dirty.extend(&entry.partitions);
        Some(entry)
    }
}
