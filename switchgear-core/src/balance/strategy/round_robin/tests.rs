use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    Millisatoshi, Moment,
    balance::{fixture::seats, turns::Turns},
};

/// A cycle over nodes of these weights, its turns from 0 on.
struct Robin {
    seats: Seats,
    cycle: Cycle,
    turns: Turns,
    rng: StdRng,
}

impl Robin {
    fn new(weights: &[u16]) -> Self {
        let seats = seats(weights);
        Self {
            cycle: Cycle::new(&seats),
            seats,
            turns: Turns::new(0),
            rng: StdRng::seed_from_u64(1),
        }
    }

    /// Whose turn it is among the first `len`.
    fn next_among(&mut self, len: usize) -> usize {
        let among = Among::first(&self.seats, len).unwrap();
        let pick = Pick {
            now: Moment::ORIGIN,
            amount: Millisatoshi::ZERO,
            key: None,
        };
        let mut draw = Draw::new(&self.turns, &mut self.rng);
        self.cycle.choose(&among, &pick, &mut draw).seat
    }

    fn firsts(mut self, picks: usize) -> Vec<usize> {
        let len = self.seats.len();
        (0..picks).map(|_| self.next_among(len)).collect()
    }
}

fn firsts(weights: &[u16], picks: usize) -> Vec<usize> {
    Robin::new(weights).firsts(picks)
}

/// The largest distance between a node's share so far and its ideal one, over all prefixes.
fn worst_deviation(weights: &[u16], picks: impl IntoIterator<Item = usize>) -> f64 {
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let mut counts = vec![0_u32; weights.len()];
    let mut worst = 0_f64;
    for (turn, node) in picks.into_iter().enumerate() {
        counts[node] += 1;
        for (count, weight) in counts.iter().zip(weights) {
            let ideal = (turn + 1) as f64 * f64::from(*weight) / total;
            worst = worst.max((f64::from(*count) - ideal).abs());
        }
    }
    worst
}

#[test]
fn interleaves_smoothly() {
    assert_eq!(firsts(&[2, 1], 6), [0, 0, 1, 0, 0, 1]);
    assert_eq!(firsts(&[1, 1, 1], 6), [0, 1, 2, 0, 1, 2]);
    assert_eq!(firsts(&[200, 100], 3), [0, 0, 1]);
    assert_eq!(firsts(&[65_535], 2), [0, 0]);
}

#[test]
fn is_within_one_of_ideal_at_every_turn() {
    let uneven = |weight| [vec![weight], vec![1; usize::from(weight)]].concat();
    for weights in [
        vec![1, 1, 1],
        vec![1, 2, 7],
        vec![5, 1, 1, 1],
        vec![3; 50],
        uneven(10),
        uneven(100),
    ] {
        let worst = worst_deviation(&weights, firsts(&weights, 20_000));
        assert!(worst <= 1.0, "{weights:?}: {worst}");
    }
}

#[test]
fn makes_no_blocks_of_a_heavy_node_among_light_ones() {
    let weights = [vec![50], vec![1; 50]].concat();
    let longest = firsts(&weights, 1_000)
        .chunk_by(|a, b| a == b)
        .map(<[usize]>::len)
        .max();
    assert!(longest <= Some(2), "{longest:?}");
}

#[test]
fn keeps_long_cycles_exact_and_spread() {
    let weights = [65_535, 40_000, 1, 17];
    let total: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
    let picks = firsts(&weights, total);
    for (node, weight) in weights.iter().enumerate() {
        let count = picks.iter().filter(|pick| **pick == node).count();
        assert_eq!(count, usize::from(*weight));
    }
    let longest_block = picks.chunk_by(|a, b| a == b).map(<[usize]>::len).max();
    assert!(longest_block <= Some(4), "{longest_block:?}");
    let worst = worst_deviation(&weights, picks);
    assert!(worst <= 5.0, "{worst}");
}

#[test]
fn keeps_shares_of_those_in_range_whatever_the_pattern_of_amounts() {
    let mut robin = Robin::new(&[1, 2, 1, 4, 1]);
    let [mut of_three, mut of_four] = [Vec::new(), Vec::new()];
    for step in 0..10_000 {
        // Every third request is for less.
        if step % 3 == 0 {
            of_four.push(robin.next_among(4));
        } else {
            of_three.push(robin.next_among(3));
        }
    }
    for (weights, picks) in [(&[1, 2, 1][..], of_three), (&[1, 2, 1, 4], of_four)] {
        let worst = worst_deviation(weights, picks);
        assert!(worst <= 6.0, "{weights:?}: {worst}");
    }
}

#[test]
fn a_lone_thread_keeps_no_turns_for_itself() {
    let mut robin = Robin::new(&[1, 2]);
    for _ in 0..100 {
        robin.next_among(2);
        assert_eq!(robin.turns.left_in_block(), 0);
    }
}

proptest! {
    #[test]
    fn is_within_one_of_ideal_for_any_weights_whose_cycle_is_written_down(
        weights in prop::collection::vec(1_u16..=100, 1..40),
    ) {
        let total: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
        prop_assert!(worst_deviation(&weights, firsts(&weights, total)) <= 1.0);
    }
}

#[test]
fn multiplies_what_no_word_holds() {
    let modulus = u64::MAX;
    assert_eq!(multiply(modulus - 1, modulus - 2, modulus), 2);
    let modulus = (1 << 41) + 1;
    assert_eq!(multiply(1 << 40, 1 << 40, modulus), modulus - (1 << 39));
    assert_eq!(multiply(6, 7, 10), 2);
}

#[test]
fn a_stride_shares_no_divisor_with_the_total() {
    assert_eq!(
        [gcd(12, 18), gcd(18, 12), gcd(7, 0), gcd(9, 28)],
        [6, 6, 7, 1]
    );
    for total in 2..2_000 {
        let stride = golden_stride(total);
        let divides =
            |divisor: &u64| stride.is_multiple_of(*divisor) && total.is_multiple_of(*divisor);
        let shared = (2..=stride).find(divides);
        assert_eq!(shared, None, "{stride} of {total}");
    }
}
