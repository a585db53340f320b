use rand_core::Rng;

use crate::balance::{AffinityKey, turns::Turns};

/// Where a choice comes from: the partition's turns, or chance.
#[expect(missing_debug_implementations, reason = "a generator may have none")]
pub struct Draw<'a> {
    turns: &'a Turns,
    rng: &'a mut dyn Rng,
}

impl<'a> Draw<'a> {
    pub(in crate::balance) fn new(turns: &'a Turns, rng: &'a mut dyn Rng) -> Self {
        Self { turns, rng }
    }

    /// The partition's next turn: 0, 1, 2 and so on over all requests, from a start of the fleet's own;
    /// among threads that take turns at the same time, each within a block of 17. Choices among all
    /// ready nodes and choices among those in range count apart.
    pub fn turn(&mut self) -> u64 {
        self.turns.take()
    }

    /// An even draw from all 64-bit numbers.
    pub fn random(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// An even draw from `0..bound`; zero for a bound of zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        scale(self.random(), bound)
    }

    /// A key of this request alone, for an order that tells nothing of the last one's.
    pub fn key(&mut self) -> AffinityKey {
        AffinityKey::from_salt(self.random())
    }
}

/// Brings a number that is spread over all of 64 bits to `0..bound`, as evenly as 64 bits can.
pub(in crate::balance) fn scale(number: u64, bound: u64) -> u64 {
    let scaled = (u128::from(number) * u128::from(bound)) >> 64;
    u64::try_from(scaled).unwrap_or_default()
}

/// The same for a place in a list of `len`; zero for an empty one.
pub(in crate::balance) fn scale_to_place(number: u64, len: usize) -> usize {
    usize::try_from(scale(number, len as u64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn draws_evenly_below_a_bound() {
        let (turns, mut rng) = (Turns::new(7), StdRng::seed_from_u64(3));
        let mut draw = Draw::new(&turns, &mut rng);
        let mut counts = [0; 3];
        for _ in 0..3_000 {
            counts[usize::try_from(draw.below(3)).unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|count| (900..1_100).contains(count)),
            "{counts:?}"
        );
        assert_eq!((draw.below(1), draw.below(0)), (0, 0));
        assert_eq!((draw.turn(), draw.turn()), (7, 8));
        assert_ne!(draw.key(), draw.key());
        assert_eq!(
            (scale_to_place(u64::MAX, 5), scale_to_place(u64::MAX, 0)),
            (4, 0)
        );
    }
}
