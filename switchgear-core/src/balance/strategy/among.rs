use std::{num::NonZeroUsize, sync::Arc};

use crate::balance::{Node, Seats};

/// The seats that a choice is made among: the first ones of a partition's, at least one.
#[derive(Debug, Clone, Copy)]
pub struct Among<'a> {
    seats: &'a Seats,
    len: NonZeroUsize,
}

impl<'a> Among<'a> {
    /// The first `len` of `seats`; `None` when that is none.
    pub(in crate::balance) fn first(seats: &'a Seats, len: usize) -> Option<Self> {
        let len = NonZeroUsize::new(len.min(seats.len()))?;
        Some(Self { seats, len })
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether no seat of the partition is left out.
    pub fn is_all(&self) -> bool {
        self.len() == self.seats.len()
    }

    /// All seats of the partition, those beyond [`Self::len`] too.
    pub fn seats(&self) -> &'a Seats {
        self.seats
    }

    /// The node on a seat.
    pub fn node(&self, seat: usize) -> Option<&'a Arc<Node>> {
        self.seats.node(seat).filter(|_| seat < self.len())
    }

    /// The sum of the weights.
    pub fn weight(&self) -> u64 {
        self.seats.weight_before(self.len())
    }

    /// With the weights laid end to end, the seat that `point` falls on; `point` is below
    /// [`Self::weight`].
    pub fn seat_at(&self, point: u64) -> usize {
        self.seats.seat_at(point, self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::fixture;

    #[test]
    fn has_the_nodes_of_its_own_seats_and_no_other() {
        let seats = fixture::seats(&[1, 2, 3]);
        let among = Among::first(&seats, 2).unwrap();
        assert_eq!((among.len(), among.weight(), among.is_all()), (2, 3, false));
        assert!(among.node(0).is_some() && among.node(1).is_some());
        assert!(among.node(2).is_none() && seats.node(2).is_some());
        assert!(Among::first(&seats, 9).unwrap().is_all());
        assert!(Among::first(&seats, 0).is_none());
    }
}
