//! Weighted rendezvous hashing in rounds: which node a key belongs to, and who comes after it.
//!
//! Each node arrives for each key at a time of its own, which depends on the key, the node's address
//! and its weight, and on nothing else: an exponential variate divided by the weight. The first to
//! arrive is the best. So a node's share is its weight's, whoever else is there; one that comes or goes
//! moves its own keys only; and the order of the others stays as it was.
//!
//! A variate is a number of whole rounds, of which a node survives each with a chance of 15/16, and a
//! fraction of one. The whole is a hash of key and node. The fraction is mostly a matter of where the
//! node lies among 1,024 cells, which the key goes through in an order of its own. So few nodes arrive
//! in the first round, and an [`Index`] of nodes by cell finds the first of them: it goes through the
//! cells in the key's order until no later one can be better. It never answers otherwise than a look
//! at every node does.
//!
//! This is version 1 of the function. It is made of integers alone and never changes, so that replicas
//! and releases agree; `vectors.txt` holds it fast. Why it is like this, and what it was compared with,
//! is in `doc/adr/0003-consistent-hashing.md`.

mod batch;
mod cells;
mod floors;
mod group;
mod index;
mod key;
mod leader;
mod podium;
mod score;
mod seats;
mod seed;
mod seeker;
mod variate;

#[cfg(test)]
mod tests;

use std::num::NonZeroU16;

pub use self::key::AffinityKey;
pub(in crate::balance) use self::{batch::Batch, score::Score, seed::NodeSeed};
use self::{
    floors::Floors, index::Index, leader::Leader, podium::Best, seats::Seats, seeker::Seeker,
};

/// The nodes that keys are shared out among, each in its seat.
#[derive(Debug)]
pub(in crate::balance) struct Rendezvous {
    seats: Seats,
    index: Option<Index>,
}

impl Rendezvous {
    /// Takes seats in the caller's order, and looks at each for every answer.
    pub(in crate::balance) fn flat(
        nodes: impl IntoIterator<Item = (NodeSeed, NonZeroU16)>,
    ) -> Self {
        Self {
            seats: Seats::new(nodes),
            index: None,
        }
    }

    /// Takes seats in the caller's order, and finds the first of many without looking at each.
    pub(in crate::balance) fn indexed(
        nodes: impl IntoIterator<Item = (NodeSeed, NonZeroU16)>,
    ) -> Self {
        let seats = Seats::new(nodes);
        let index = Index::new(&seats);
        Self { seats, index }
    }

    /// The best of the seats below `within`, for this key.
    pub(in crate::balance) fn first(&self, key: AffinityKey, within: usize) -> Option<usize> {
        let within = within.min(self.seats.len());
        let leader = self.leader_of_few(key, within);
        if let Some(alone) = leader.and_then(|leader| leader.alone()) {
            return Some(alone);
        }
        let seeker = Seeker::new(key);
        let mut best = Best::default();
        match (leader, &self.index) {
            (Some(leader), _) => {
                let floors = Floors::level(leader.floor());
                seeker.scan_above(&self.seats, within, floors, &mut best);
            }
            (None, Some(index)) if self.is_worth_searching(within) => {
                index.search(&seeker, &self.seats, within, &mut best);
            }
            (None, _) => seeker.scan(&self.seats, within, 1, &mut best),
        }
        best.seat()
    }

    /// The leader of the seats below `within`, if they are few and of one weight.
    #[inline]
    fn leader_of_few(&self, key: AffinityKey, within: usize) -> Option<Leader> {
        let is_simple = within <= Leader::FEW && self.seats.classes.equal().is_some();
        let few = self.seats.seeds.get(..within).filter(|_| is_simple)?;
        Leader::of(key, few)
    }

    /// The next seats below `within` in the key's order, behind the one of score `after`.
    pub(in crate::balance) fn next_batch(
        &self,
        key: AffinityKey,
        within: usize,
        after: Option<Score>,
    ) -> Batch {
        let within = within.min(self.seats.len());
        let seeker = Seeker::new(key);
        let mut batch = Batch::after(after);
        match after {
            None => seeker.scan(&self.seats, within, Batch::SIZE, &mut batch),
            Some(_) => seeker.scan_all(&self.seats, within, &mut batch),
        }
        batch
    }

    /// Whether so many of all seats are asked for that the index finds the best sooner than a look at
    /// each: it comes by seats that are not asked for, the more the fewer are.
    fn is_worth_searching(&self, within: usize) -> bool {
        let (within, len) = (within as u64, self.seats.len() as u64);
        within.saturating_mul(within) > len.saturating_mul(40).saturating_add(65_000)
    }
}
