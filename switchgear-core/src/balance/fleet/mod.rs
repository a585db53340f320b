mod change;
mod publish;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;

pub use self::change::{FleetNode, FleetUpdate, HealthChange};
use super::{
    Ejection, EjectionPolicy, FleetView, Health, HealthState, HealthThresholds, Node, NodeId,
    Report,
};
use crate::{
    Moment, Partition,
    backend::{Backend, BackendAddress},
};

/// What a fleet is and how it judges.
#[derive(Debug, Clone)]
pub struct FleetConfig {
    /// The partitions served; nodes of no other are kept.
    pub partitions: BTreeSet<Partition>,
    /// How many checks in a row flip a node's health.
    pub thresholds: HealthThresholds,
    /// When failed calls put a node aside.
    pub ejection: EjectionPolicy,
    /// Where the turns begin: 0 in tests, random where several instances must not march together.
    pub first_turn: u32,
}

/// The policy: it alone says which nodes are ready, and publishes that for requests to read.
///
/// It has one owner, who tells it of discovery ([`Self::update`]), of checks ([`Self::checked`]) and
/// of what requests report ([`Self::reported`]). Each of these publishes what it changed before it
/// returns, and touches only the partitions of the nodes concerned.
///
/// ```
/// use std::collections::BTreeSet;
/// use switchgear_core::{Moment, Partition, balance::*};
///
/// let partition = Partition::try_new("default").unwrap();
/// let thresholds = HealthThresholds::default();
/// let mut fleet = Fleet::new(FleetConfig {
///     partitions: BTreeSet::from([partition.clone()]),
///     thresholds,
///     ejection: EjectionPolicy::from_thresholds(thresholds),
///     first_turn: 0,
/// });
/// fleet.update(Vec::new(), Moment::ORIGIN);
/// let readiness = fleet.view().load().readiness();
/// assert_eq!(readiness.partition(&partition).unwrap().total, 0);
/// ```
#[derive(Debug)]
pub struct Fleet {
    config: FleetConfig,
    next_id: u64,
    known: bool,
    settled: bool,
    discovered: Arc<AtomicU64>,
    entries: BTreeMap<NodeId, Entry>,
    ids: BTreeMap<BackendAddress, NodeId>,
    turns: BTreeMap<Partition, Arc<AtomicU64>>,
    view: Arc<ArcSwap<FleetView>>,
}

/// A node, and all that is judged of it.
#[derive(Debug)]
struct Entry {
    node: Arc<Node>,
    backend: Backend,
    health: Health,
    ejection: Ejection,
}

impl Fleet {
    /// A fleet without nodes.
    pub fn new(config: FleetConfig) -> Self {
        let turns = config
            .partitions
            .iter()
            .map(|partition| {
                let first = u64::from(config.first_turn);
                (partition.clone(), Arc::new(AtomicU64::new(first)))
            })
            .collect();
        let mut fleet = Self {
            config,
            next_id: 0,
            known: false,
            settled: false,
            discovered: Arc::default(),
            entries: BTreeMap::new(),
            ids: BTreeMap::new(),
            turns,
            view: Arc::default(),
        };
        fleet.publish(&fleet.config.partitions.clone());
        fleet
    }

    /// What requests read. The swap is shared: it shows each later publication too.
    pub fn view(&self) -> Arc<ArcSwap<FleetView>> {
        Arc::clone(&self.view)
    }

    /// The node's backend as discovery last told it.
    pub fn backend(&self, id: NodeId) -> Option<&Backend> {
        self.entries.get(&id).map(|entry| &entry.backend)
    }

    /// The node's active health.
    pub fn health(&self, id: NodeId) -> Option<&Health> {
        self.entries.get(&id).map(|entry| &entry.health)
    }

    /// Takes all backends of a discovery snapshot. Nodes that did not change keep their health, their
    /// counters and their identity; the answer lists those that did.
    pub fn update(&mut self, backends: Vec<Backend>, now: Moment) -> FleetUpdate {
        let mut update = FleetUpdate::default();
        let mut dirty = BTreeSet::new();
        let mut gone = std::mem::take(&mut self.ids);
        for backend in backends {
            // A feed that lists an address twice is taken at its first word.
            if !self.serves(&backend) || self.ids.contains_key(&backend.address) {
                continue;
            }
            match gone.remove(&backend.address) {
                Some(id) => {
                    self.ids.insert(backend.address.clone(), id);
                    self.change(id, backend, now, &mut update, &mut dirty);
                }
                None => self.add(backend, now, &mut update, &mut dirty),
            }
        }
        for id in gone.into_values() {
            self.remove(id, &mut update, &mut dirty);
        }
        self.known = true;
        self.publish(&dirty);
        update
    }

    /// Takes note that a look at discovery, which began at `asked`, was answered, changed or not. What
    /// was registered after `asked` may be missing from that answer.
    pub fn discovered(&mut self, asked: Moment) {
        // Zero means never.
        self.discovered
            .fetch_max(asked.as_nanos().max(1), Ordering::Relaxed);
    }

    /// Takes the result of a node's active check; says how that changed its health, if it did.
    pub fn checked(&mut self, id: NodeId, good: bool, now: Moment) -> Option<HealthChange> {
        let thresholds = self.config.thresholds;
        let entry = self.entries.get_mut(&id)?;
        entry.node.set_checked_at(now);
        if !entry.health.check(good, thresholds, now) {
            return None;
        }
        let change = match entry.health.state() {
            HealthState::Healthy => HealthChange::Healthy,
            HealthState::Unhealthy | HealthState::Unknown => HealthChange::Unhealthy,
        };
        let partitions = entry.backend.partitions.iter().cloned().collect();
        self.publish(&partitions);
        Some(change)
    }

    /// Takes what requests report of a node; says how that changed its standing, if it did.
    pub fn reported(&mut self, report: Report, now: Moment) -> Option<HealthChange> {
        match report {
            Report::Failing(id) => self.eject(id, now),
            Report::TrialFailed(id) => {
                self.prolong(id, now);
                None
            }
            Report::Answering(id) => self.readmit(id, now),
        }
    }

    /// Puts a ready node aside, unless it is the last ready one of a partition.
    fn eject(&mut self, id: NodeId, now: Moment) -> Option<HealthChange> {
        let entry = self.entries.get(&id)?;
        let ready = entry.health.state() == HealthState::Healthy && !entry.ejection.is_ejected();
        if !ready || self.is_last(entry) {
            return None;
        }
        let partitions = entry.backend.partitions.iter().cloned().collect();
        self.put_aside(id, now);
        self.publish(&partitions);
        Some(HealthChange::Ejected)
    }

    /// Leaves a node that is aside there for longer, after its probe failed.
    fn prolong(&mut self, id: NodeId, now: Moment) {
        let entry = self.entries.get(&id);
        if entry.is_some_and(|entry| entry.ejection.is_ejected()) {
            self.put_aside(id, now);
        }
    }

    fn put_aside(&mut self, id: NodeId, now: Moment) {
        let policy = self.config.ejection;
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.ejection.eject(&policy, now);
            entry.node.forget_failures();
            entry.node.set_probe_at(entry.ejection.probe_at());
        }
    }

    /// Ends the ejection of a node that made an invoice. Its active health is left to its checks: a node
    /// that does not follow the chain makes invoices too.
    fn readmit(&mut self, id: NodeId, now: Moment) -> Option<HealthChange> {
        let entry = self.entries.get_mut(&id)?;
        if !entry.ejection.readmit(now) {
            return None;
        }
        entry.node.forget_failures();
        entry.node.set_probe_at(None);
        let partitions = entry.backend.partitions.iter().cloned().collect();
        self.publish(&partitions);
        Some(HealthChange::Readmitted)
    }

    /// Whether the node is the only ready one of a partition that it serves.
    fn is_last(&self, entry: &Entry) -> bool {
        let view = self.view.load();
        entry
            .backend
            .partitions
            .iter()
            .filter_map(|partition| view.partition(partition))
            .any(|partition| matches!(&*partition.ready, [only] if only.id() == entry.node.id()))
    }

    fn serves(&self, backend: &Backend) -> bool {
        backend
            .partitions
            .iter()
            .any(|partition| self.config.partitions.contains(partition))
    }
}

#[cfg(test)]
mod tests;
