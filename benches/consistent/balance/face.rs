use std::num::NonZeroU16;

use super::rendezvous::{AffinityKey, NodeSeed, Rendezvous};

/// What the comparison needs of the core's function.
#[derive(Debug)]
pub(crate) struct Face(Rendezvous);

/// Prepares for nodes with these addresses and weights.
pub(crate) fn of(nodes: impl Iterator<Item = (&'static str, NonZeroU16)>) -> Face {
    Face(Rendezvous::indexed(
        nodes.map(|(address, weight)| (NodeSeed::of(address), weight)),
    ))
}

impl Face {
    #[inline]
    pub(crate) fn first(&self, key: u64) -> usize {
        self.0
            .first(AffinityKey::from_salt(key), usize::MAX)
            .expect("there are nodes")
    }

    pub(crate) fn order(&self, key: u64, count: usize) -> Vec<usize> {
        let batch = self
            .0
            .next_batch(AffinityKey::from_salt(key), usize::MAX, None);
        batch.seats().take(count).collect()
    }
}
