use std::sync::Arc;

use rand_core::Rng;

use super::{AffinityKey, Node, Pick, Picker, rendezvous::Batch, strategy::scale_to_place};
use crate::Moment;

/// Where a run begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// How many of the first seats are in range.
    pub(super) in_range: usize,
    /// The first seat to ask.
    pub(super) seat: usize,
    /// Orders the others.
    pub(super) rest: AffinityKey,
}

/// An order over the candidates of one picker, taken step by step.
///
/// It holds no reference to its picker, so that a request can keep both; it must be given the same
/// one for each step.
#[derive(Debug)]
pub(super) struct Run {
    start: Option<Start>,
    now: Moment,
    stage: Stage,
    /// The next seats of the order at hand, and how many of them were named.
    batch: Option<Batch>,
    named: usize,
    /// Where the ejected begin, so that not all requests ask the same one first.
    first_ejected: usize,
    ejected: usize,
    left: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    First,
    InRange,
    Others,
    Ejected,
}

impl Run {
    pub(super) fn start(picker: &Picker, pick: &Pick, rng: &mut dyn Rng) -> Self {
        let start = picker.choose(pick, rng);
        Self {
            stage: if start.is_some() {
                Stage::First
            } else {
                Stage::Ejected
            },
            start,
            now: pick.now,
            batch: None,
            named: 0,
            first_ejected: match picker.ejected.len() {
                0 => 0,
                len => scale_to_place(rng.next_u64(), len),
            },
            ejected: 0,
            left: picker.seats.len() + picker.ejected.len(),
        }
    }

    /// How many are still to come.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    pub(super) fn next<'a>(&mut self, picker: &'a Picker) -> Option<&'a Arc<Node>> {
        let node = self
            .next_ready(picker)
            .or_else(|| self.next_ejected(picker))?;
        self.left = self.left.saturating_sub(1);
        Some(node)
    }

    fn next_ejected<'a>(&mut self, picker: &'a Picker) -> Option<&'a Arc<Node>> {
        let ejected = &picker.ejected;
        let (until_first, from_first) = ejected.split_at_checked(self.first_ejected)?;
        let node = from_first.iter().chain(until_first).nth(self.ejected)?;
        self.ejected += 1;
        Some(node)
    }

    fn next_ready<'a>(&mut self, picker: &'a Picker) -> Option<&'a Arc<Node>> {
        let start = self.start?;
        // What is left is as many as are ejected: all that are ready were named.
        while self.left > picker.ejected.len() {
            match self.stage {
                Stage::First => {
                    self.stage = Stage::InRange;
                    if self.is_first(&start, picker) {
                        return picker.seats.node(start.seat);
                    }
                }
                Stage::InRange | Stage::Others => match self.next_in_order(&start, picker) {
                    Some(seat) => return picker.seats.node(seat),
                    None => self.end_order(),
                },
                Stage::Ejected => return None,
            }
        }
        None
    }

    /// Whether the seat chosen comes first: it is in range, or nobody is.
    fn is_first(&self, start: &Start, picker: &Picker) -> bool {
        start.in_range == 0 || picker.is_fresh(start.seat, self.now)
    }

    /// The next seat of the order at hand which belongs to the stage.
    fn next_in_order(&mut self, start: &Start, picker: &Picker) -> Option<usize> {
        loop {
            let seat = self.next_seat(start, picker)?;
            let in_range = seat < start.in_range && picker.is_fresh(seat, self.now);
            let was_first = seat == start.seat && self.is_first(start, picker);
            if !was_first && in_range == (self.stage == Stage::InRange) {
                return Some(seat);
            }
        }
    }

    fn next_seat(&mut self, start: &Start, picker: &Picker) -> Option<usize> {
        if let Some(seat) = self.batch.and_then(|batch| batch.seats().nth(self.named)) {
            self.named += 1;
            return Some(seat);
        }
        let after = match &self.batch {
            Some(batch) => Some(batch.last()?),
            None => None,
        };
        let among = match self.stage {
            Stage::InRange => start.in_range,
            Stage::First | Stage::Others | Stage::Ejected => picker.seats.len(),
        };
        let batch = picker.seats.next_batch(start.rest, among, after);
        let seat = batch.seats().next();
        self.batch = Some(batch);
        self.named = 1;
        seat
    }

    fn end_order(&mut self) {
        self.batch = None;
        self.stage = match self.stage {
            Stage::First | Stage::InRange => Stage::Others,
            Stage::Others | Stage::Ejected => Stage::Ejected,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{
        Millisatoshi,
        balance::{
            Among, Choice, Chooser, Draw, Seats, fixture, partition_turns::PartitionTurns,
            ranges::Ranges,
        },
    };

    const NOW: Moment = Moment::from_nanos(1_000);

    /// Chooses one seat, whatever is asked.
    #[derive(Debug)]
    struct Fixed(usize);

    impl Chooser for Fixed {
        fn choose(&self, _: &Among<'_>, _: &Pick, _: &mut Draw<'_>) -> Choice {
            let rest = AffinityKey::of(b"comment");
            Choice { seat: self.0, rest }
        }
    }

    /// Of `ready` nodes, numbered from 0, and then some that are ejected. `ranges` says of the first ones
    /// what they are in range of, and until when.
    fn picker(ready: usize, ejected: usize, chosen: usize, ranges: &[(u64, Moment)]) -> Picker {
        let all = fixture::seats(&vec![1; ready + ejected]);
        let seats = all.nodes().iter().zip(all.weights()).take(ready);
        let ranges = ranges
            .iter()
            .map(|(limit, until)| (Millisatoshi::new(*limit), *until));
        Picker {
            seats: Seats::new(seats.map(|(node, weight)| (Arc::clone(node), *weight))),
            chooser: Box::new(Fixed(chosen)),
            turns: Arc::new(PartitionTurns::new(0)),
            ranges: (ranges.len() > 0).then(|| Ranges::new(ranges)),
            ejected: all.nodes()[ready..].into(),
            dormant: Box::default(),
            eligible: Box::default(),
            total: ready + ejected,
        }
    }

    /// The nodes' numbers, in the order of a run for `amount`.
    fn order(picker: &Picker, amount: u64) -> Vec<u64> {
        let pick = Pick {
            now: NOW,
            amount: Millisatoshi::new(amount),
            key: None,
        };
        let mut run = Run::start(picker, &pick, &mut StdRng::seed_from_u64(1));
        let mut order = Vec::new();
        for left in (0..run.left()).rev() {
            order.push(run.next(picker).unwrap().id().0);
            assert_eq!(run.left(), left);
        }
        assert!(run.next(picker).is_none() && run.next(picker).is_none());
        order
    }

    fn sorted(order: &[u64]) -> Vec<u64> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        sorted
    }

    #[test]
    fn names_the_chosen_then_all_others_and_the_ejected_last() {
        for ready in [1, 2, 8, 9, 30] {
            let order = order(&picker(ready, 3, ready - 1, &[]), 5);
            let last = ready as u64 - 1;
            assert_eq!(order[0], last);
            assert_eq!(sorted(&order[1..ready]), (0..last).collect::<Vec<_>>());
            assert_eq!(sorted(&order[ready..]), [last + 1, last + 2, last + 3]);
        }
        assert_eq!(sorted(&order(&picker(0, 2, 0, &[]), 5)), [0, 1]);
        assert!(order(&picker(0, 0, 0, &[]), 5).is_empty());
    }

    #[test]
    fn names_those_in_range_before_the_others() {
        let ranges = [9, 9, 9, 7, 7, 7, 7, 7, 7, 7, 7, 7].map(|limit| (limit, NOW));
        let picker = picker(20, 1, 1, &ranges);
        for (amount, in_range) in [(8, 3), (9, 3), (7, 12)] {
            let order = order(&picker, amount);
            assert_eq!(order[0], 1);
            assert_eq!(
                sorted(&order[..in_range]),
                (0..in_range as u64).collect::<Vec<_>>()
            );
            assert_eq!(
                sorted(&order[in_range..20]),
                (in_range as u64..20).collect::<Vec<_>>()
            );
        }
        assert_eq!(
            order(&picker, 10)[0],
            1,
            "nobody is in range: chosen among all"
        );
    }

    #[test]
    fn names_a_node_whose_reading_is_stale_behind_those_in_range() {
        let stale = Moment::from_nanos(NOW.as_nanos() - 1);
        let fresh = NOW + Duration::ZERO;
        let ranges = [(9, stale), (8, fresh), (7, stale), (6, fresh)];
        for chosen in 0..4 {
            let order = order(&picker(5, 0, chosen, &ranges), 5);
            assert_eq!(sorted(&order[..2]), [1, 3], "chosen {chosen}");
            assert_eq!(sorted(&order[2..]), [0, 2, 4], "chosen {chosen}");
        }
    }
}
