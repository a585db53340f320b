use super::{Among, Choice, Chooser, Draw, LoadFactor, Pick, Random, Strategy};
use crate::balance::{AffinityKey, Seats, rendezvous::Rendezvous};

/// Consistent hashing on the payer's comment: the same comment goes to the same node while that
/// node is ready, on every instance and after every restart, and a node that comes, goes or changes
/// its weight moves no comment between two others.
///
/// A request without a comment is spread like [`Random`]. The scheme and what it was chosen over is
/// in `doc/adr/0003-consistent-hashing.md`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consistent {
    /// Caps a node's share of the calls under way; by default there is no cap. With one, each choice
    /// counts the calls of all nodes in range.
    pub load_factor: Option<LoadFactor>,
}

impl Strategy for Consistent {
    fn prepare(&self, ready: &Seats) -> Box<dyn Chooser> {
        Box::new(ConsistentChooser {
            rendezvous: Rendezvous::indexed(ready.seeds()),
            random: Random.prepare(ready),
            load_factor: self.load_factor,
        })
    }
}

#[derive(Debug)]
struct ConsistentChooser {
    rendezvous: Rendezvous,
    random: Box<dyn Chooser>,
    load_factor: Option<LoadFactor>,
}

impl Chooser for ConsistentChooser {
    fn choose(&self, among: &Among<'_>, pick: &Pick, draw: &mut Draw<'_>) -> Choice {
        let Some(key) = pick.key else {
            return self.random.choose(among, pick, draw);
        };
        let first = self.rendezvous.first(key, among.len()).unwrap_or(0);
        let with_room = self.load_factor.and_then(|factor| {
            let room = Room::new(factor, among);
            room.first(key, first, &self.rendezvous)
        });
        Choice {
            seat: with_room.unwrap_or(first),
            rest: key,
        }
    }
}

/// Who may take one more call.
struct Room<'a> {
    factor: LoadFactor,
    among: &'a Among<'a>,
    /// Under way at all of them, with the one that is to come.
    calls: u64,
}

impl<'a> Room<'a> {
    fn new(factor: LoadFactor, among: &'a Among<'a>) -> Self {
        let nodes = among.seats().nodes().iter().take(among.len());
        let calls: u64 = nodes.map(|node| u64::from(node.in_flight())).sum();
        Self {
            factor,
            among,
            calls: calls + 1,
        }
    }

    /// The best seat with room; `best` is the best of all.
    fn first(&self, key: AffinityKey, best: usize, rendezvous: &Rendezvous) -> Option<usize> {
        if self.has_room(best) {
            return Some(best);
        }
        let mut after = None;
        loop {
            let batch = rendezvous.next_batch(key, self.among.len(), after);
            after = Some(batch.last()?);
            if let Some(seat) = batch.seats().find(|seat| self.has_room(*seat)) {
                return Some(seat);
            }
        }
    }

    fn has_room(&self, seat: usize) -> bool {
        let weight = self.among.seats().weights().get(seat);
        let node = self.among.node(seat).zip(weight);
        node.is_some_and(|(node, weight)| {
            let share = (u64::from(weight.get()), self.among.weight());
            u64::from(node.in_flight()) < self.factor.cap(self.calls, share)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{
        Millisatoshi, Moment,
        balance::{fixture::seats, turns::Turns},
    };

    /// Chooses for one comment among nodes of equal weight.
    struct World {
        seats: Seats,
        chooser: Box<dyn Chooser>,
        turns: Turns,
        rng: StdRng,
    }

    impl World {
        fn new(nodes: usize, load_factor: Option<f64>) -> Self {
            let seats = seats(&vec![1; nodes]);
            let load_factor = load_factor.map(|factor| LoadFactor::try_new(factor).unwrap());
            Self {
                chooser: Consistent { load_factor }.prepare(&seats),
                seats,
                turns: Turns::new(0),
                rng: StdRng::seed_from_u64(1),
            }
        }

        fn choose(&mut self, comment: &[u8]) -> usize {
            let pick = Pick {
                now: Moment::ORIGIN,
                amount: Millisatoshi::ZERO,
                key: Some(AffinityKey::of(comment)),
            };
            let among = Among::first(&self.seats, usize::MAX).unwrap();
            let mut draw = Draw::new(&self.turns, &mut self.rng);
            self.chooser.choose(&among, &pick, &mut draw).seat
        }
    }

    #[test]
    fn sends_a_comment_to_one_node_however_busy_that_is() {
        let mut world = World::new(12, None);
        let first = world.choose(b"alice");
        let node = Arc::clone(&world.seats.nodes()[first]);
        let _calls: Vec<_> = (0..100).map(|_| node.count_call()).collect();
        assert_eq!(world.choose(b"alice"), first);
    }

    #[test]
    fn passes_over_a_node_that_has_more_than_its_share_of_calls() {
        for nodes in [12, 40] {
            let mut world = World::new(nodes, Some(1.25));
            let mut calls = Vec::new();
            let mut in_order = Vec::new();
            for _ in 0..nodes {
                let seat = world.choose(b"alice");
                calls.push(world.seats.nodes()[seat].count_call());
                in_order.push(seat);
            }
            let batch = world
                .seats
                .next_batch(AffinityKey::of(b"alice"), nodes, None);
            assert!(in_order.starts_with(&batch.seats().collect::<Vec<_>>()));
            let most = world
                .seats
                .nodes()
                .iter()
                .map(|node| node.in_flight())
                .max();
            assert!(most <= Some(2), "{nodes} nodes: {most:?}");
            drop(calls);
            assert_eq!(world.choose(b"alice"), in_order[0], "it has room again");
        }
    }
}
