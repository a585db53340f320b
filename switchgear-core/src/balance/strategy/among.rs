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
