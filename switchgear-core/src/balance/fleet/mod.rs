mod change;
mod check;
mod config;
mod entry;
mod publish;
mod roster;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use self::{
    change::{FleetNode, FleetUpdate},
    check::{Check, HealthChange},
    config::FleetConfig,
};
use self::{
    entry::{Entry, Standing},
    roster::Roster,
};
use super::{
    Ejection, FleetView, Health, HealthState, Node, NodeId, NodeState, PartitionNumber, Reading,
    Report,
};
use crate::{
    Moment,
    backend::{Backend, BackendAddress},
};

/// The policy: it alone says which nodes are ready.
///
/// It has one owner, who tells it of discovery ([`Self::update`]), of checks ([`Self::checked`]) and
/// of what requests report ([`Self::reported`]), and then lets requests see it ([`Self::publish`]).
/// Each touches only the nodes and partitions concerned. What must not wait for a publication does
/// not: a node that is removed, disabled or drained is closed at once.
///
/// ```
/// use std::collections::BTreeSet;
/// use switchgear_core::{Moment, Partition, balance::{Fleet, FleetConfig}};
///
/// let partition = Partition::try_new("default").unwrap();
/// let mut fleet = Fleet::new(FleetConfig::new(BTreeSet::from([partition.clone()])));
/// fleet.update(Vec::new(), Moment::ORIGIN);
/// fleet.publish(Moment::ORIGIN);
/// let readiness = fleet.view().readiness();
/// assert_eq!(readiness.partition(&partition).unwrap().total, 0);
/// ```
#[derive(Debug)]
pub struct Fleet {
    config: FleetConfig,
    next_id: u64,
    /// Whether discovery was read.
    known: bool,
    /// Counts the snapshots of discovery.
    snapshots: u64,
    entries: BTreeMap<NodeId, Entry>,
    ids: BTreeMap<BackendAddress, NodeId>,
    /// By the partitions' numbers.
    rosters: Vec<Roster>,
    /// How many nodes wait for their first check.
    awaited: usize,
    /// The partitions that requests see as they were.
    dirty: BTreeSet<PartitionNumber>,
    /// Those of them that a node has left: its invoices must not go there for a moment longer.
    urgent: BTreeSet<PartitionNumber>,
    /// Once the first round of checks is over: the partitions where requests do not see that yet.
    settling: Option<BTreeSet<PartitionNumber>>,
    view: Arc<FleetView>,
}

impl Fleet {
    /// A fleet without nodes.
    pub fn new(config: FleetConfig) -> Self {
        let rosters: Vec<_> = config
            .partitions
            .iter()
            .map(|_| Roster::new(config.first_turn))
            .collect();
        let pickers = config
            .partitions
            .iter()
            .zip(&rosters)
            .map(|(name, roster)| {
                let picker = publish::picker(&config, roster, std::iter::empty(), Moment::ORIGIN);
                (name.clone(), picker)
            });
        Self {
            view: Arc::new(FleetView::new(pickers)),
            config,
            next_id: 0,
            known: false,
            snapshots: 0,
            entries: BTreeMap::new(),
            ids: BTreeMap::new(),
            rosters,
            awaited: 0,
            dirty: BTreeSet::new(),
            urgent: BTreeSet::new(),
            settling: None,
        }
    }

    /// What requests read, now and after each later publication.
    pub fn view(&self) -> Arc<FleetView> {
        Arc::clone(&self.view)
    }

    /// How many nodes discovery lists in the partitions served.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The node's backend as discovery last told it.
    pub fn backend(&self, id: NodeId) -> Option<&Backend> {
        self.entries.get(&id).map(|entry| &entry.backend)
    }

    /// The node's state, as an administrator calls it.
    pub fn state(&self, id: NodeId) -> Option<NodeState> {
        self.entries.get(&id).map(Entry::state)
    }

    /// The node's active health.
    pub fn health(&self, id: NodeId) -> Option<&Health> {
        self.entries.get(&id).map(|entry| &entry.health)
    }

    /// The node's passive health.
    pub fn ejection(&self, id: NodeId) -> Option<&Ejection> {
        self.entries.get(&id).map(|entry| &entry.ejection)
    }

    /// What the node could receive when it was last asked with success.
    pub fn reading(&self, id: NodeId) -> Option<Reading> {
        self.entries.get(&id)?.reading
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
        if entry.standing() != Standing::Ready || self.is_last(entry) {
            return None;
        }
        self.put_aside(id, now);
        Some(HealthChange::Ejected)
    }

    /// Leaves a node that is aside there for longer, after its probe failed. Of probes that began before
    /// the first of them was heard of, one counts.
    fn prolong(&mut self, id: NodeId, now: Moment) {
        let entry = self.entries.get(&id);
        let probe_at = entry.and_then(|entry| entry.ejection.probe_at());
        if probe_at.is_some_and(|probe_at| probe_at <= now) {
            self.put_aside(id, now);
        }
    }

    fn put_aside(&mut self, id: NodeId, now: Moment) {
        let policy = self.config.ejection;
        self.amend(id, |entry| {
            entry.ejection.eject(&policy, now);
            entry.node.live().forget_failures();
            entry.node.live().set_probe_at(entry.ejection.probe_at());
        });
    }

    /// Ends the ejection of a node that made an invoice. Its active health is left to its checks: a node
    /// that does not follow the chain makes invoices too.
    fn readmit(&mut self, id: NodeId, now: Moment) -> Option<HealthChange> {
        let readmitted = self.amend(id, |entry| {
            let readmitted = entry.ejection.readmit(now);
            if readmitted {
                entry.node.live().forget_failures();
                entry.node.live().set_probe_at(None);
            }
            readmitted
        })?;
        readmitted.then_some(HealthChange::Readmitted)
    }

    /// Whether the node, which is ready, is the only such one of a partition that it serves.
    fn is_last(&self, entry: &Entry) -> bool {
        let mut rosters = entry
            .partitions
            .iter()
            .filter_map(|number| self.rosters.get(number.0));
        rosters.any(|roster| roster.ready <= 1)
    }

    /// Changes what is judged of a node, and keeps in line with it all that follows from it: its live
    /// flags, the counts, and which partitions are to be published.
    fn amend<T>(&mut self, id: NodeId, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.entries.get_mut(&id)?;
        let (standing, awaited) = (entry.standing(), entry.is_awaited());
        let result = change(entry);
        entry.refresh_flags();
        self.awaited -= usize::from(awaited);
        self.awaited += usize::from(entry.is_awaited());
        let after = entry.standing();
        if standing != after {
            for number in &entry.partitions {
                if let Some(roster) = self.rosters.get_mut(number.0) {
                    roster.ready -= usize::from(standing == Standing::Ready);
                    roster.ready += usize::from(after == Standing::Ready);
                }
            }
            self.dirty.extend(&entry.partitions);
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests;
