//! The fleet that both sides balance over.

/// The fleet's partitions: one of them holds 1 node in 1,000.
pub(crate) const PARTITIONS: usize = 1_000;

/// The partition that is asked for, where only one is.
pub(crate) const ASKED: usize = 7;

/// The partition of the node at `index`.
pub(crate) fn partition(index: usize) -> usize {
    index % PARTITIONS
}
