use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Among, Choice, Chooser, Draw, Pick, Strategy, draw::scale};
use crate::balance::{AffinityKey, Seats};

/// Smooth weighted round robin: weights 2:1 give A A B, 4:2:1 give A B A C A B A, never long blocks.
///
/// A choice costs one turn of the partition's counter. The counter outlives the tables, so that a
/// table built anew goes on where the last one was.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoundRobin;

impl Strategy for RoundRobin {
    fn prepare(&self, ready: &Seats) -> Box<dyn Chooser> {
        Box::new(Cycle::new(ready))
    }
}

/// Whose turn it is at each count of a cycle.
#[derive(Debug)]
enum Cycle {
    /// Equal weights: each in its place.
    Equal,
    /// A whole cycle, smoothly interleaved.
    Table(Box<[u16]>),
    /// A cycle too long to write down: its counts are scattered by a stride over the weights laid end to
    /// end. Each cycle is exact and neighbouring turns are far apart, though within a cycle a share
    /// may stray by a few turns.
    Strided { total: u64, stride: u64 },
}

impl Cycle {
    /// The longest cycle that is written down however few its nodes are: 8 KiB.
    const LONGEST_TABLE: u64 = 4_096;

    /// The longest cycle of all, for what it takes to write it down, and how much of it there may be for
    /// each node.
    const LONGEST_LARGE_TABLE: u64 = 16_384;
    const LONGEST_SHARE: u64 = 64;

    fn new(ready: &Seats) -> Self {
        if ready.is_equal() {
            return Self::Equal;
        }
        let weights = ready.weights().iter().map(|weight| u64::from(weight.get()));
        let divisor = weights.clone().fold(0, gcd).max(1);
        let total = ready.weight_before(ready.len());
        let turns = total / divisor;
        let large = Self::LONGEST_LARGE_TABLE.min(Self::LONGEST_SHARE * ready.len() as u64);
        if turns <= Self::LONGEST_TABLE.max(large) {
            let weights: Vec<_> = weights.map(|weight| weight / divisor).collect();
            Self::Table(interleave(&weights, turns))
        } else {
            let stride = golden_stride(total);
            Self::Strided { total, stride }
        }
    }

    /// Whose turn is `turn`, among all seats.
    fn whose(&self, turn: u64, among: &Among<'_>) -> usize {
        match self {
            Self::Equal => index(turn % among.len() as u64),
            Self::Table(table) => {
                let slot = index(turn % (table.len() as u64).max(1));
                table.get(slot).map_or(0, |seat| usize::from(*seat))
            }
            Self::Strided { total, stride } => {
                among.seat_at(multiply(turn % total, *stride, *total))
            }
        }
    }
}

impl Chooser for Cycle {
    fn choose(&self, among: &Among<'_>, _pick: &Pick, draw: &mut Draw<'_>) -> Choice {
        let turn = draw.turn();
        let seat = if among.is_all() || among.seats().is_equal() {
            self.whose(turn, among)
        } else {
            // Which seats are in range changes with each amount. The multiples of the golden ratio keep
            // evenly apart over any of them, and under any pattern of amounts.
            among.seat_at(scale(turn.wrapping_mul(GOLDEN), among.weight()))
        };
        Choice {
            seat,
            rest: AffinityKey::from_salt(turn),
        }
    }
}

/// A cycle in which each node has its weight's number of turns, and at no point more than one turn more
/// or less than its share.
///
/// Turn `k` of a node with weight `w` out of `total` belongs within the slots `⌊k·total/w⌋` to
/// `⌈(k+1)·total/w⌉`; of the turns that may be taken, the one that must be over first is. That this
/// always works out is the theorem of proportionate fairness (Baruah, Cohen, Plaxton and Varvel, 1996).
fn interleave(weights: &[u64], total: u64) -> Box<[u16]> {
    let turn = |node: u16, weight: u64, taken: u64| Turn {
        begins: taken * total / weight,
        over: ((taken + 1) * total).div_ceil(weight),
        node,
        weight,
        taken,
    };
    let mut waiting: BinaryHeap<_> = (0_u16..)
        .zip(weights)
        .filter(|(_, weight)| **weight > 0)
        .map(|(node, &weight)| Reverse((0, turn(node, weight, 0))))
        .collect();
    let mut open = BinaryHeap::new();
    let mut table = Vec::with_capacity(index(total));
    for slot in 0..total {
        while let Some(Reverse((begins, _))) = waiting.peek()
            && *begins <= slot
            && let Some(Reverse((_, turn))) = waiting.pop()
        {
            open.push(Reverse((turn.over, turn)));
        }
        let Some(Reverse((_, taken))) = open.pop() else {
            continue;
        };
        table.push(taken.node);
        if taken.taken + 1 < taken.weight {
            let next = turn(taken.node, taken.weight, taken.taken + 1);
            waiting.push(Reverse((next.begins, next)));
        }
    }
    table.into()
}

/// One turn of one node: the slots that it belongs within.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    node: u16,
    begins: u64,
    over: u64,
    weight: u64,
    taken: u64,
}

/// The golden ratio's fraction in parts of 2^64, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stride near total ÷ φ that shares no divisor with the total, so that its multiples visit every
/// count once and keep far apart.
fn golden_stride(total: u64) -> u64 {
    (scale(GOLDEN, total)..total)
        .find(|stride| gcd(*stride, total) == 1)
        .unwrap_or(1)
}

/// `a` × `b` modulo `modulus`, for an `a` and a `b` below it.
fn multiply(a: u64, b: u64, modulus: u64) -> u64 {
    match a.checked_mul(b) {
        Some(product) => product % modulus,
        None => {
            let product = u128::from(a) * u128::from(b) % u128::from(modulus);
            u64::try_from(product).unwrap_or_default()
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
