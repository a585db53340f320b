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
