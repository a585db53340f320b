use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::{ArcSwap, Guard};

use super::Picker;
use crate::{
    Moment, Partition,
    ln::{PartitionReadiness, Readiness},
};

/// The fleet as requests see it: for each partition served, the picker that was published last.
///
/// The fleet's owner swaps pickers in, each whole and by itself; whoever reads one keeps it for as
/// long as it likes.
#[derive(Debug)]
pub struct FleetView {
    settled: AtomicBool,
    /// When the last look at discovery that was answered began; zero for never.
    discovered: AtomicU64,
    /// By number, in the order of the names.
    pickers: Box<[ArcSwap<Picker>]>,
    numbers: BTreeMap<Partition, PartitionNumber>,
}

/// Names a partition that a fleet serves, for look-ups that compare no names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionNumber(pub(super) usize);

impl FleetView {
    /// A view of these partitions with their first pickers.
    pub(super) fn new(partitions: impl Iterator<Item = (Partition, Picker)>) -> Self {
        let (names, pickers): (Vec<_>, Vec<_>) = partitions
            .map(|(name, picker)| (name, ArcSwap::from_pointee(picker)))
            .unzip();
        let numbers = names.into_iter().zip((0..).map(PartitionNumber));
        Self {
            settled: AtomicBool::new(false),
            discovered: AtomicU64::new(0),
            pickers: pickers.into(),
            numbers: numbers.collect(),
        }
    }

    /// The number of a partition, if it is served. It stays the same as long as the fleet lives.
    pub fn number(&self, partition: &Partition) -> Option<PartitionNumber> {
        self.numbers.get(partition).copied()
    }

    /// The present picker of a partition. `None` for a number of another fleet's.
    pub fn picker(&self, number: PartitionNumber) -> Option<Guard<Arc<Picker>>> {
        self.pickers.get(number.0).map(ArcSwap::load)
    }

    /// How many nodes are ready.
    pub fn readiness(&self) -> Readiness {
        let partitions = self.numbers.iter().filter_map(|(name, number)| {
            let picker = self.picker(*number)?;
            Some(PartitionReadiness {
                name: name.clone(),
                ready: picker.ready().len(),
                total: picker.total(),
            })
        });
        Readiness {
            settled: self.settled.load(Ordering::Acquire),
            partitions: partitions.collect(),
        }
    }

    pub(super) fn publish(&self, number: PartitionNumber, picker: Picker) {
        if let Some(slot) = self.pickers.get(number.0) {
            slot.store(Arc::new(picker));
        }
    }

    /// Whether a look at discovery that began at `since` or later was answered.
    pub(super) fn is_discovered_since(&self, since: Moment) -> bool {
        self.discovered.load(Ordering::Acquire) >= since.as_nanos().max(1)
    }

    pub(super) fn set_discovered(&self, asked: Moment) {
        self.discovered
            .fetch_max(asked.as_nanos().max(1), Ordering::Release);
    }

    /// The first round of checks is over, and published.
    pub(super) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }
}
