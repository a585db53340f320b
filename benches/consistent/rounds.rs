use std::num::NonZeroU16;

use crate::{
    balance::face::{self, Face},
    scheme::{Member, Scheme},
};

/// Ours: weighted rendezvous hashing in rounds, with its index.
#[derive(Debug)]
pub(crate) struct Rounds(Face);

impl Scheme for Rounds {
    const NAME: &str = "rendezvous in rounds";

    fn build(members: &[Member]) -> Self {
        let weight = |member: &Member| NonZeroU16::new(member.weight).expect("no weight is 0");
        Self(face::of(
            members
                .iter()
                .map(|member| (member.address(), weight(member))),
        ))
    }

    #[inline]
    fn first(&self, key: u64) -> usize {
        self.0.first(key)
    }

    fn order(&self, key: u64, count: usize) -> Vec<usize> {
        self.0.order(key, count)
    }
}
