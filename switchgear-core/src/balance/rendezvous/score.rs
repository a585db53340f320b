use std::{cmp::Ordering, num::NonZeroU16};

use super::{NodeSeed, cells::Shuffle, variate::Variate};

/// When a node arrives for a key: an exponential variate divided by the node's weight. The first to
/// arrive is the best, and scores are ordered best first.
#[derive(Debug, Clone, Copy)]
pub(in crate::balance) struct Score {
    variate: Variate,
    weight: NonZeroU16,
    seed: NodeSeed,
}

impl Score {
    /// The score of the node with this seed and weight, from what the key draws for it.
    #[inline]
    pub(super) fn new(draw: u64, shuffle: &Shuffle, seed: NodeSeed, weight: NonZeroU16) -> Self {
        let position = shuffle.position_of(seed.cell(shuffle.table()));
        Self {
            variate: Variate::new(draw, position),
            weight,
            seed,
        }
    }

    /// The node's variate, in 2^-32 rounds.
    #[inline]
    pub(super) fn variate(&self) -> u64 {
        self.variate.get()
    }

    /// The node's weight.
    #[inline]
    pub(super) fn weight(&self) -> NonZeroU16 {
        self.weight
    }

    /// Whether it is the better of the two.
    #[inline]
    pub(super) fn is_before(&self, other: &Self) -> bool {
        let (mine, theirs) = self.cross(other);
        (mine < theirs) | ((mine == theirs) & (self.seed < other.seed))
    }

    /// The times of both, multiplied by both weights; below 2^59.
    #[inline]
    fn cross(&self, other: &Self) -> (u64, u64) {
        (
            self.variate().wrapping_mul(u64::from(other.weight.get())),
            other.variate().wrapping_mul(u64::from(self.weight.get())),
        )
    }

    /// The largest variate with which a node of at most the weight `heaviest` may arrive no later.
    #[inline]
    pub(super) fn reach(&self, heaviest: NonZeroU16) -> u64 {
        let (variate, weight) = (self.variate.get(), self.weight.get());
        if weight == heaviest.get() {
            return variate;
        }
        variate.wrapping_mul(u64::from(heaviest.get())) / u64::from(weight)
    }
}

impl Ord for Score {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let (mine, theirs) = self.cross(other);
        mine.cmp(&theirs).then(self.seed.cmp(&other.seed))
    }
}

impl PartialOrd for Score {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}
