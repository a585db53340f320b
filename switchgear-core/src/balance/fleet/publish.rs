use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU64},
};

use super::{Entry, Fleet, HealthState};
use crate::{
    Partition,
    balance::{FleetView, Node, PartitionView, round_robin::RoundRobin},
};

impl Fleet {
    /// Builds the views of `dirty` anew, keeps those of the others, and swaps them in as one.
    pub(super) fn publish(&mut self, dirty: &BTreeSet<Partition>) {
        for entry in self.entries.values() {
            entry.refresh_flags();
        }
        let mut partitions = self.view.load().partitions.clone();
        for (partition, turns) in &self.turns {
            if dirty.contains(partition) {
                let view = self.partition_view(partition, Arc::clone(turns));
                partitions.insert(partition.clone(), Arc::new(view));
            }
        }
        self.settled = self.settled || self.is_first_round_over();
        self.view.store(Arc::new(FleetView {
            settled: self.settled,
            discovered: Arc::clone(&self.discovered),
            partitions,
        }));
    }

    /// Whether discovery has been read, and every node that takes part has been checked.
    fn is_first_round_over(&self) -> bool {
        let checked =
            |entry: &Entry| !entry.backend.enabled || entry.health.state() != HealthState::Unknown;
        self.known && self.entries.values().all(checked)
    }

    fn partition_view(&self, partition: &Partition, turns: Arc<AtomicU64>) -> PartitionView {
        let mut weights = Vec::new();
        let [mut ready, mut ejected, mut dormant] = [const { Vec::<Arc<Node>>::new() }; 3];
        let mut total = 0;
        for entry in self.entries.values() {
            if !entry.backend.partitions.contains(partition) {
                continue;
            }
            total += 1;
            if !entry.backend.is_eligible(partition) {
                continue;
            }
            let node = Arc::clone(&entry.node);
            if entry.health.state() != HealthState::Healthy {
                dormant.push(node);
            } else if entry.ejection.is_ejected() {
                ejected.push(node);
            } else {
                weights.push(entry.backend.weight.get());
                ready.push(node);
            }
        }
        PartitionView {
            turns: RoundRobin::new(&weights, turns),
            ready: ready.into(),
            ejected: ejected.into(),
            dormant: dormant.into(),
            total,
        }
    }
}

impl Entry {
    /// Brings the node's live flags in line with what is judged of it.
    fn refresh_flags(&self) {
        let trusted = self.health.state() == HealthState::Healthy && !self.ejection.is_ejected();
        self.node.set_trusted(trusted);
        self.node
            .set_open(self.backend.enabled && !self.backend.weight.is_zero());
    }
}
