use std::{collections::BTreeMap, sync::Arc};

use super::{
    Node,
    round_robin::{RoundRobin, Run},
};
use crate::{
    Partition,
    ln::{PartitionReadiness, Readiness},
};

/// The fleet at one moment, as requests see it: immutable, replaced whole.
#[derive(Debug, Default)]
pub struct FleetView {
    pub(super) settled: bool,
    pub(super) partitions: BTreeMap<Partition, Arc<PartitionView>>,
}

impl FleetView {
    /// The nodes of `partition`, if it is served.
    pub fn partition(&self, partition: &Partition) -> Option<&Arc<PartitionView>> {
        self.partitions.get(partition)
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

    /// Whether a round would ask anyone that it has not asked: the ejected count once only.
    pub(super) fn has_candidates(&self, asked_ejected: bool) -> bool {
        !self.ready.is_empty() || (!asked_ejected && !self.ejected.is_empty())
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

impl Candidates {
    /// The ejected nodes, one of which may be due for a probe.
    pub(super) fn ejected(&self) -> &[Arc<Node>] {
        &self.view.ejected
    }
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
