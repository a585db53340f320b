use super::{Among, Choice, Chooser, Draw, Pick, Strategy};
use crate::balance::{AffinityKey, Seats, strategy::draw::scale};

/// Weighted random: each choice by itself, each node with its weight's probability.
#[derive(Debug, Clone, Copy, Default)]
pub struct Random;

impl Strategy for Random {
    fn prepare(&self, ready: &Seats) -> Box<dyn Chooser> {
        let weights = ready.weights().iter();
        Box::new(RandomChooser {
            alias: (!ready.is_equal()).then(|| Alias::new(weights.map(|weight| weight.get()))),
        })
    }
}

#[derive(Debug)]
struct RandomChooser {
    /// Where weights differ.
    alias: Option<Alias>,
}

impl Chooser for RandomChooser {
    fn choose(&self, among: &Among<'_>, _pick: &Pick, draw: &mut Draw<'_>) -> Choice {
        let random = draw.random();
        let seat = match &self.alias {
            Some(alias) if among.is_all() => alias.seat(random),
            Some(_) => among.seat_at(scale(random, among.weight())),
            None => usize::try_from(scale(random, among.len() as u64)).unwrap_or(0),
        };
        // One draw does for both: the seat says nothing of the bits that order the others.
        Choice {
            seat,
            rest: AffinityKey::from_salt(random),
        }
    }
}

/// The alias method of Walker (1977) with the exact integer table of Vose (1991): one draw, one look-up
/// of one column, whatever the number of seats.
#[derive(Debug)]
struct Alias {
    columns: Box<[Column]>,
}

/// A column as wide as the mean weight: up to `split` it is its own seat's, the rest is another's.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// In parts of 2^32 of the column.
    split: u32,
    other: u32,
}

impl Alias {
    fn new(weights: impl Iterator<Item = u16>) -> Self {
        // With each weight times the number of seats, the mean is the sum of the weights: all integers.
        let weights: Vec<u64> = weights.map(u64::from).collect();
        let seats = weights.len() as u64;
        let mean: u64 = weights.iter().sum();
        let mut left: Vec<u64> = weights.iter().map(|weight| weight * seats).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..left.len()).partition(|seat| left[*seat] < mean);
        let own = Column {
            split: u32::MAX,
            other: 0,
        };
        let mut columns: Vec<Column> = (0..)
            .map(|seat| Column { other: seat, ..own })
            .take(left.len())
            .collect();
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            columns[poor] = Column {
                split: part_of(left[poor], mean),
                other: u32::try_from(rich).unwrap_or(u32::MAX),
            };
            left[rich] -= mean - left[poor];
            if left[rich] < mean {
                large.pop();
                small.push(rich);
            }
        }
        // What is left, of either kind, fills its column exactly.
        Self {
            columns: columns.into(),
        }
    }

    /// The seat that an even 64-bit number falls on: its column by the upper bits, its part of the column
    /// by what is below them.
    fn seat(&self, random: u64) -> usize {
        let product = u128::from(random) * self.columns.len() as u128;
        let column = usize::try_from(product >> 64).unwrap_or(0);
        let within = u32::try_from(product >> 32 & u128::from(u32::MAX)).unwrap_or(0);
        match self.columns.get(column) {
            Some(found) if within >= found.split => usize::try_from(found.other).unwrap_or(column),
            _ => column,
        }
    }
}

/// `part` of `whole` in parts of 2^32, for a part below the whole.
fn part_of(part: u64, whole: u64) -> u32 {
    let scaled = (u128::from(part) << 32) / u128::from(whole.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each seat's exact probability, in parts of 2^32 of a column, summed over all columns.
    fn probabilities(alias: &Alias) -> Vec<u64> {
        let mut parts = vec![0; alias.columns.len()];
        for (seat, column) in alias.columns.iter().enumerate() {
            let own = u64::from(column.split);
            parts[seat] += own;
            parts[usize::try_from(column.other).unwrap()] += (1 << 32) - own;
        }
        parts
    }

    proptest! {
        #[test]
        fn the_table_gives_each_seat_its_weight(weights in prop::collection::vec(1_u16.., 1..200)) {
            let alias = Alias::new(weights.iter().copied());
            let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
            let all = (weights.len() as u128) << 32;
            for (weight, part) in weights.iter().zip(probabilities(&alias)) {
                let ideal = all * u128::from(*weight) / u128::from(total);
                // Each column that a seat has a part of rounds that part once.
                prop_assert!(u128::from(part).abs_diff(ideal) <= weights.len() as u128 + 1);
            }
        }
    }

    #[test]
    fn every_number_falls_on_a_seat() {
        let alias = Alias::new([1, 65_535, 7].into_iter());
        for random in [0, 1, u64::MAX / 3, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            assert!(alias.seat(random) < 3);
        }
    }
}
