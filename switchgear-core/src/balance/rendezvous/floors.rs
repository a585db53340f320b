use std::num::NonZeroU16;

use super::{
    Score,
    seats::{Classes, class_of},
    variate::{ROUNDS_AN_ARRIVAL, least_draw},
};

/// For each magnitude of weight, the smallest draw that may still be good enough.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Floors([u64; Classes::COUNT]);

impl Floors {
    /// The same for all weights.
    pub(super) fn level(floor: u64) -> Self {
        Self([floor; Classes::COUNT])
    }

    /// Those of seats that arrive by the time that is hoped for.
    pub(super) fn hoping(classes: &Classes, hope: Hope) -> Self {
        let mut floors = Self::default();
        for (class, heaviest) in classes.iter() {
            floors.0[class] = least_draw(hope.reach(heaviest));
        }
        floors
    }

    #[inline]
    pub(super) fn of(&self, weight: NonZeroU16) -> u64 {
        self.0[class_of(weight)]
    }

    /// Leaves out who cannot arrive by the time of this score.
    #[inline]
    pub(super) fn raise(&mut self, classes: &Classes, bar: Option<&Score>) {
        let Some(bar) = bar else {
            return;
        };
        for (class, heaviest) in classes.iter() {
            let floor = &mut self.0[class];
            *floor = least_draw(bar.reach(heaviest)).max(*floor);
        }
    }
}

/// A time by which enough seats should have arrived: with it most seats need no second thought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hope {
    /// In 2^-32 rounds, for a seat of the weight of all.
    rounds: u64,
    weight: u64,
}

impl Hope {
    /// The time by which about `wanted` of seats that weigh `weight` together arrive.
    pub(super) fn new(wanted: u64, weight: u64) -> Self {
        Self {
            rounds: wanted * ROUNDS_AN_ARRIVAL,
            weight: weight.max(1),
        }
    }

    /// Whether a seat with this score arrived by then.
    #[inline]
    pub(super) fn holds(&self, score: &Score) -> bool {
        let weight = u128::from(score.weight().get());
        u128::from(score.variate()) * u128::from(self.weight) <= u128::from(self.rounds) * weight
    }

    /// The largest variate with which a seat of this weight arrives by then.
    #[inline]
    fn reach(&self, weight: NonZeroU16) -> u64 {
        self.rounds.saturating_mul(u64::from(weight.get())) / self.weight
    }
}
