use super::{Among, turns::Turns};

/// A partition's counters of turns, which outlive each of its pickers.
///
/// Choices among those in range only have turns of their own, by how many those are: else a partition that
/// is asked for small and large amounts by turns would give all small ones to one node.
#[derive(Debug)]
pub(super) struct PartitionTurns {
    all: Turns,
    in_range: [Turns; Self::SIZES],
}

impl PartitionTurns {
    /// How many sizes of range are told apart.
    const SIZES: usize = 4;

    pub(super) fn new(first: u32) -> Self {
        Self {
            all: Turns::new(first),
            in_range: std::array::from_fn(|_| Turns::new(first)),
        }
    }

    /// The turns of choices among so many.
    pub(super) fn of(&self, among: &Among<'_>) -> &Turns {
        if among.is_all() {
            &self.all
        } else {
            &self.in_range[among.len() % Self::SIZES]
        }
    }
}
