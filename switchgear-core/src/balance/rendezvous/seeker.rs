use std::num::NonZeroU16;

use super::{
    AffinityKey, NodeSeed, Score, cells::Shuffle, floors::Floors, podium::Podium, seats::Seats,
    variate::FIRST_ROUND,
};

/// A key on its way through the seats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeker {
    key: AffinityKey,
    shuffle: Shuffle,
}

/// How many seats are looked at before the few that matter are scored.
const BLOCK: usize = 64;

impl Seeker {
    #[inline]
    pub(super) fn new(key: AffinityKey) -> Self {
        Self {
            key,
            shuffle: key.shuffle(),
        }
    }

    #[inline]
    pub(super) fn shuffle(&self) -> &Shuffle {
        &self.shuffle
    }

    /// Whether the node with this seed arrives in the first round.
    #[inline]
    pub(super) fn arrives_first(&self, seed: Option<&NodeSeed>) -> bool {
        seed.is_some_and(|seed| self.key.draw(*seed) >= FIRST_ROUND)
    }

    #[inline]
    pub(super) fn score(&self, seed: NodeSeed, weight: NonZeroU16) -> Score {
        Score::new(self.key.draw(seed), &self.shuffle, seed, weight)
    }

    /// Offers every seat below `within` that can be among the first `wanted`.
    pub(super) fn scan(
        &self,
        seats: &Seats,
        within: usize,
        wanted: usize,
        podium: &mut impl Podium,
    ) {
        // First those that arrive early. Only rarely is that not enough.
        let (hope, floors) = seats.start(within, wanted);
        self.scan_above(seats, within, floors, podium);
        if !podium.bar().is_some_and(|bar| hope.holds(bar)) {
            self.scan_all(seats, within, podium);
        }
    }

    /// Offers every seat below `within` that can be good enough.
    pub(super) fn scan_all(&self, seats: &Seats, within: usize, podium: &mut impl Podium) {
        self.scan_above(seats, within, Floors::level(0), podium);
    }

    /// Offers every seat below `within` that draws no less than its floor.
    pub(super) fn scan_above(
        &self,
        seats: &Seats,
        within: usize,
        mut floors: Floors,
        podium: &mut impl Podium,
    ) {
        let (Some(seeds), Some(weights)) = (seats.seeds.get(..within), seats.weights.get(..within))
        else {
            return;
        };
        let blocks = seeds.chunks(BLOCK).zip(weights.chunks(BLOCK));
        for (start, (seeds, weights)) in (0..).step_by(BLOCK).zip(blocks) {
            let hits = match seats.classes.equal() {
                Some(weight) => self.hits_of_equal(seeds, floors.of(weight)),
                None => self.hits(seeds, weights, &floors),
            };
            self.offer(seats, bits(hits).map(|place| start + place), podium);
            if hits != 0 && start + BLOCK < within {
                floors.raise(&seats.classes, podium.bar());
            }
        }
    }

    #[inline]
    fn offer(&self, seats: &Seats, among: impl Iterator<Item = usize>, podium: &mut impl Podium) {
        for seat in among {
            if let Some((seed, weight)) = seats.get(seat) {
                podium.offer(seat, self.score(seed, weight));
            }
        }
    }

    /// A bit for each of at most [`BLOCK`] seats: whether it draws no less than the floor of its weight.
    #[inline]
    fn hits(&self, seeds: &[NodeSeed], weights: &[NonZeroU16], floors: &Floors) -> u64 {
        // Bits take no branches, which would often be guessed wrong, and no memory.
        let (key, mut hits) = (self.key, 0_u64);
        for (seed, weight) in seeds.iter().zip(weights).rev() {
            hits = (hits << 1) | u64::from(key.draw(*seed) >= floors.of(*weight));
        }
        hits
    }

    /// As [`hits`](Self::hits), for seats of one weight.
    #[inline]
    fn hits_of_equal(&self, seeds: &[NodeSeed], floor: u64) -> u64 {
        let (key, mut hits) = (self.key, 0_u64);
        for seed in seeds.iter().rev() {
            hits = (hits << 1) | u64::from(key.draw(*seed) >= floor);
        }
        hits
    }

    /// Offers each of these seats that can be good enough.
    pub(super) fn scan_among(
        &self,
        seats: &Seats,
        among: impl Iterator<Item = usize>,
        podium: &mut impl Podium,
    ) {
        let mut floors = Floors::default();
        floors.raise(&seats.classes, podium.bar());
        for seat in among {
            if let Some((seed, weight)) = seats.get(seat)
                && self.key.draw(seed) >= floors.of(weight)
            {
                podium.offer(seat, self.score(seed, weight));
                floors.raise(&seats.classes, podium.bar());
            }
        }
    }
}

/// The places of the bits that are set, from the lowest on.
#[inline]
pub(super) fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        lowest
    })
}
