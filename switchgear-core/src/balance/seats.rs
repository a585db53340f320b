use std::{num::NonZeroU16, sync::Arc};

use super::{
    AffinityKey, Node,
    rendezvous::{Batch, NodeSeed, Rendezvous, Score},
};

/// The ready nodes of one partition, numbered from 0, and their weights.
///
/// They stand in the order of their nodes' ids; with a capacity bias, in the order of what they can
/// receive, so that those in range of an amount are always the first ones.
#[derive(Debug)]
pub struct Seats {
    nodes: Box<[Arc<Node>]>,
    weights: Box<[NonZeroU16]>,
    sums: Sums,
    /// Orders them under any key.
    rendezvous: Rendezvous,
    equal: bool,
}

impl Seats {
    /// Seats for these nodes, in this order.
    pub fn new(nodes: impl IntoIterator<Item = (Arc<Node>, NonZeroU16)>) -> Self {
        let (nodes, weights): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
        Self {
            sums: Sums::of(&weights),
            rendezvous: Rendezvous::flat(seeds(&nodes, &weights)),
            equal: weights.windows(2).all(|pair| pair[0] == pair[1]),
            weights: weights.into(),
            nodes: nodes.into(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes, by seat.
    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// The node on a seat.
    pub fn node(&self, seat: usize) -> Option<&Arc<Node>> {
        self.nodes.get(seat)
    }

    /// All weights, by seat.
    pub fn weights(&self) -> &[NonZeroU16] {
        &self.weights
    }

    /// Whether no two weights differ.
    pub fn is_equal(&self) -> bool {
        self.equal
    }

    /// The sum of the weights of the first `len` seats.
    pub fn weight_before(&self, len: usize) -> u64 {
        self.sums.before(len)
    }

    /// With the weights laid end to end, the one of the first `len` seats that `point` falls on; the
    /// last one for a point beyond.
    pub fn seat_at(&self, point: u64, len: usize) -> usize {
        self.sums.seat_at(point, len)
    }

    /// What stands for each node in rendezvous hashing, with its weight.
    pub(super) fn seeds(&self) -> impl Iterator<Item = (NodeSeed, NonZeroU16)> {
        seeds(&self.nodes, &self.weights)
    }

    /// The next of the first `len` seats in the key's order, behind the score `after`.
    pub(super) fn next_batch(&self, key: AffinityKey, len: usize, after: Option<Score>) -> Batch {
        self.rendezvous.next_batch(key, len, after)
    }
}

/// The weights laid end to end.
#[derive(Debug)]
struct Sums {
    /// The sum of the weights up to and with each seat's.
    sums: Box<[u64]>,
    /// Where to look: points are taken together in runs of equal length, about as many as there are
    /// seats, and for each run this is the seat that its first point falls on. A run holds the ends of
    /// one or two seats on average, however many seats there are.
    guide: Box<[u32]>,
    /// The binary logarithm of a run's length.
    run_bits: u32,
}

impl Sums {
    fn of(weights: &[NonZeroU16]) -> Self {
        let mut total = 0;
        let sums = weights.iter().map(|weight| {
            total += u64::from(weight.get());
            total
        });
        let sums: Box<[u64]> = sums.collect();
        let run_bits = (total / (sums.len() as u64).max(1)).max(1).ilog2();
        let mut seat = 0;
        let guide = (0..total >> run_bits).map(|run| {
            while sums.get(seat).is_some_and(|sum| *sum <= run << run_bits) {
                seat += 1;
            }
            u32::try_from(seat).unwrap_or(u32::MAX)
        });
        Self {
            guide: guide.collect(),
            sums,
            run_bits,
        }
    }

    fn before(&self, len: usize) -> u64 {
        let last = len.min(self.sums.len()).checked_sub(1);
        last.and_then(|last| self.sums.get(last))
            .copied()
            .unwrap_or(0)
    }

    fn seat_at(&self, point: u64, len: usize) -> usize {
        let len = len.min(self.sums.len());
        let run = usize::try_from(point >> self.run_bits).unwrap_or(usize::MAX);
        let guided = |run: usize| self.guide.get(run).map(|seat| *seat as usize);
        // Behind the last whole run there is a rest.
        let begin = guided(run).or_else(|| Some(*self.guide.last()? as usize));
        let end = guided(run.saturating_add(1)).map_or(len, |seat| len.min(seat + 1));
        let begin = begin.map_or(0, |seat| end.min(seat));
        let sums = self.sums.get(begin..end).unwrap_or_default();
        let seat = begin + sums.partition_point(|sum| *sum <= point);
        seat.min(len.saturating_sub(1))
    }
}

fn seeds(
    nodes: &[Arc<Node>],
    weights: &[NonZeroU16],
) -> impl Iterator<Item = (NodeSeed, NonZeroU16)> {
    nodes
        .iter()
        .map(|node| node.seed())
        .zip(weights.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::balance::{AffinityKey, fixture::seats};

    #[test]
    fn a_point_falls_on_the_seat_whose_weight_it_is_within() {
        let seats = seats(&[2, 1, 65_535]);
        let seat_of = |point| seats.seat_at(point, 3);
        assert_eq!([0, 1, 2, 3, 65_537].map(seat_of), [0, 0, 1, 2, 2]);
        assert_eq!(seat_of(65_538), 2, "beyond is the last");
        assert_eq!(seats.seat_at(3, 2), 1, "the last of the first two");
        assert_eq!(seats.seat_at(3, 9), 2, "all, where there are fewer");
        assert_eq!(seats.seat_at(3, 0), 0);
    }

    #[test]
    fn every_point_falls_on_the_seat_that_going_through_all_weights_finds() {
        let light_behind_heavy = [vec![1_000], vec![1; 200], vec![77, 1, 300]].concat();
        for weights in [vec![1; 33], vec![7], vec![1, 65_535, 1], light_behind_heavy] {
            let uneven = seats(&weights);
            for len in [1, weights.len().div_ceil(2), weights.len()] {
                let mut exact = (0..len).flat_map(|seat| vec![seat; usize::from(weights[seat])]);
                for point in 0..uneven.weight_before(len) {
                    assert_eq!(Some(uneven.seat_at(point, len)), exact.next(), "{point}");
                }
                for beyond in [uneven.weight_before(len), u64::MAX] {
                    assert_eq!(uneven.seat_at(beyond, len), len - 1);
                }
            }
        }
    }

    #[test]
    fn sums_the_weights_of_the_first_seats() {
        let uneven = seats(&[2, 1, 65_535]);
        let weight_of = |len| uneven.weight_before(len);
        assert_eq!([0, 1, 2, 3, 4].map(weight_of), [0, 2, 3, 65_538, 65_538]);
        assert_eq!(seats(&[]).weight_before(1), 0);
    }

    #[test]
    fn tells_equal_weights_from_others() {
        assert!(seats(&[]).is_equal() && seats(&[3]).is_equal() && seats(&[3, 3]).is_equal());
        assert!(!seats(&[3, 3, 4]).is_equal());
    }

    #[test]
    fn batches_go_through_each_of_the_first_seats_once() {
        let seats = seats(&[1; 50]);
        for len in [0, 1, 8, 9, 50] {
            let mut named = Vec::new();
            let mut after = None;
            loop {
                let batch = seats.next_batch(AffinityKey::of(b"comment"), len, after);
                named.extend(batch.seats());
                after = batch.last();
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(named.len(), len);
            let different: BTreeSet<_> = named.into_iter().collect();
            assert!(different.into_iter().eq(0..len), "the first {len}");
        }
    }
}
