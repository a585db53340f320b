use std::num::NonZeroU16;

use super::{
    NodeSeed,
    floors::{Floors, Hope},
};

/// Who takes part: each seat's seed and weight, in the caller's order.
#[derive(Debug)]
pub(super) struct Seats {
    pub(super) seeds: Box<[NodeSeed]>,
    pub(super) weights: Box<[NonZeroU16]>,
    pub(super) classes: Classes,
    /// The sum of all weights.
    total: u64,
    /// What [`start`](Self::start) says of the best of all seats.
    start: (Hope, Floors),
}

impl Seats {
    /// By the time at which so many should have arrived, all but one in e^4 keys have found one.
    const AMPLE: u64 = 4;

    pub(super) fn new(nodes: impl IntoIterator<Item = (NodeSeed, NonZeroU16)>) -> Self {
        let (seeds, weights): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
        let classes = Classes::of(&weights);
        let total = weights.iter().map(|weight| u64::from(weight.get())).sum();
        let hope = Hope::new(Self::AMPLE, total);
        Self {
            start: (hope, Floors::hoping(&classes, hope)),
            classes,
            total,
            seeds: seeds.into(),
            weights: weights.into(),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.seeds.len()
    }

    /// The seed and weight of a seat.
    #[inline]
    pub(super) fn get(&self, seat: usize) -> Option<(NodeSeed, NonZeroU16)> {
        Some((*self.seeds.get(seat)?, *self.weights.get(seat)?))
    }

    /// By when `wanted` of the first `within` seats should have arrived, and what such draw at least.
    pub(super) fn start(&self, within: usize, wanted: usize) -> (Hope, Floors) {
        if within >= self.len() && wanted <= 1 {
            return self.start;
        }
        // The caller's order has little to do with weights.
        let share = u128::from(self.total) * within as u128 / self.len().max(1) as u128;
        let share = u64::try_from(share).unwrap_or(u64::MAX);
        let hope = Hope::new(Self::AMPLE + wanted as u64 - 1, share);
        (hope, Floors::hoping(&self.classes, hope))
    }
}

/// The magnitudes of weight that occur, and the heaviest weight of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Classes {
    heaviest: [Option<NonZeroU16>; Self::COUNT],
    present: u16,
    equal: Option<NonZeroU16>,
}

impl Classes {
    /// How many magnitudes there are.
    pub(super) const COUNT: usize = 16;

    fn of(weights: &[NonZeroU16]) -> Self {
        let first = weights.first().copied();
        let mut classes = Self {
            equal: first.filter(|first| weights.iter().all(|weight| weight == first)),
            ..Self::default()
        };
        for weight in weights {
            let class = class_of(*weight);
            classes.heaviest[class] = classes.heaviest[class].max(Some(*weight));
            classes.present |= 1 << class;
        }
        classes
    }

    /// The weight of all seats, if they are alike.
    #[inline]
    pub(super) fn equal(&self) -> Option<NonZeroU16> {
        self.equal
    }

    /// The magnitudes that occur, each with its heaviest weight.
    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, NonZeroU16)> {
        let mut left = self.present;
        std::iter::from_fn(move || {
            let class = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            let heaviest = self.heaviest.get(class).copied().flatten()?;
            Some((class, heaviest))
        })
    }
}

/// The magnitude of a weight, below [`Classes::COUNT`]: the floor of its binary logarithm.
#[inline]
pub(super) fn class_of(weight: NonZeroU16) -> usize {
    weight.ilog2() as usize % Classes::COUNT
}
