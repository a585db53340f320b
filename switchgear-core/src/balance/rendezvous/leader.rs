use super::{
    AffinityKey, NodeSeed,
    variate::{least_draw_of, level},
};

/// Who drew the largest number among a few seats of one weight. The best is of its level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leader {
    seat: usize,
    /// The smallest draw of its level.
    floor: u64,
    second: u64,
}

impl Leader {
    /// For so many seats it is likely enough that the leader has its level for itself.
    pub(super) const FEW: usize = 32;

    /// The leader of these seats; none if there are none.
    #[inline]
    pub(super) fn of(key: AffinityKey, seeds: &[NodeSeed]) -> Option<Self> {
        let (mut largest, mut second, mut seat) = (0_u64, 0_u64, None);
        // Choices between values, not of ways: a branch would often be guessed wrong.
        for (place, seed) in seeds.iter().enumerate() {
            let draw = key.draw(*seed);
            let larger = draw > largest;
            second = if larger { largest } else { second.max(draw) };
            seat = if larger { Some(place) } else { seat };
            largest = if larger { draw } else { largest };
        }
        Some(Self {
            seat: seat?,
            floor: least_draw_of(level(largest)),
            second,
        })
    }

    /// The seat, if nobody else is of its level: then it is the best, wherever its cell lies.
    #[inline]
    pub(super) fn alone(&self) -> Option<usize> {
        (self.second < self.floor).then_some(self.seat)
    }

    /// The smallest draw with which a seat may be the best.
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }
}
