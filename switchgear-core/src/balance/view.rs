use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Node, NodeId,
    round_robin::{RoundRobin, Run},
};
use crate::{
    Moment, Partition,
    ln::{PartitionReadiness, Readiness},
};

/// The fleet at one moment, as requests see it: immutable, replaced whole.
#[derive(Debug, Default)]
pub struct FleetView {
    pub(super) settled: bool,
    /// When the last look at discovery that was answered began; shared by all views of a fleet.
    pub(super) discovered: Arc<AtomicU64>,
    pub(super) partitions: BTreeMap<Partition, Arc<PartitionView>>,
}

impl FleetView {
    /// The nodes of `partition`, if it is served.
    pub fn partition(&self, partition: &Partition) -> Option<&Arc<PartitionView>> {
        self.partitions.get(partition)
    }

    /// Whether a look at discovery that began at `since` or later was answered.
    pub(super) fn is_discovered_since(&self, since: Moment) -> bool {
        self.discovered.load(Ordering::Relaxed) >= since.as_nanos().max(1)
    }

    /// How many nodes are ready.
    pub fn readiness(&self) -> Readiness {
        let partitions = self
            .partitions
            .iter()
            .map(|(name, view)| PartitionReadiness {
                name: name.clone(),
                ready: view.ready.len(),
                total: view.total,
            });
        Readiness {
            settled: self.settled,
            partitions: partitions.collect(),
        }
    }
}

/// The nodes of one partition, sorted by what may be asked of them.
#[derive(Debug)]
pub struct PartitionView {
    /// Takes turns over `ready`.
    pub(super) turns: RoundRobin,
    /// Eligible, healthy and not ejected.
    pub(super) ready: Box<[Arc<Node>]>,
    /// Eligible and healthy by their checks, put aside for their calls.
    pub(super) ejected: Box<[Arc<Node>]>,
    /// Eligible, and unhealthy or never checked.
    pub(super) dormant: Box<[Arc<Node>]>,
    /// All that discovery lists, the disabled and draining too.
    pub(super) total: usize,
}

impl PartitionView {
    /// The nodes that are ready, in no order of choice.
    pub fn ready(&self) -> &[Arc<Node>] {
        &self.ready
    }

    /// Whether there is a node that a round would ask, and that is not among `asked`.
    pub(super) fn has_candidate_besides(&self, asked: &[NodeId]) -> bool {
        let mut candidates = self.ready.iter().chain(&self.ejected);
        candidates.any(|node| !asked.contains(&node.id()))
    }

    /// Whether the node is eligible here.
    pub(super) fn lists(&self, id: NodeId) -> bool {
        // Each list is built in the order of ids.
        [&self.ready, &self.ejected, &self.dormant]
            .into_iter()
            .any(|nodes| nodes.binary_search_by_key(&id, |node| node.id()).is_ok())
    }

    /// The order of one round: the ready nodes by turn, then the ejected.
    pub(super) fn candidates(self: &Arc<Self>) -> Candidates {
        Candidates {
            run: self.turns.run(),
            ejected: 0,
            view: Arc::clone(self),
        }
    }
}

/// Whom a round asks, best first, each node once.
#[derive(Debug)]
pub(super) struct Candidates {
    view: Arc<PartitionView>,
    run: Run,
    ejected: usize,
}

impl Iterator for Candidates {
    type Item = Arc<Node>;

    fn next(&mut self) -> Option<Arc<Node>> {
        if let Some(index) = self.run.next() {
            return self.view.ready.get(index).cloned();
        }
        let node = self.view.ejected.get(self.ejected).cloned();
        self.ejected += usize::from(node.is_some());
        node
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.run.len() + self.view.ejected.len() - self.ejected;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Candidates {}
