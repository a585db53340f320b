use crate::{
    logarithm::Logarithm,
    scheme::{Member, Scheme, mix},
};

/// Weighted rendezvous hashing as straw2 has it: the node with the least logarithm by weight, of all.
#[derive(Debug)]
pub(crate) struct Straw {
    seeds: Box<[u64]>,
    /// One over each weight.
    shares: Box<[f64]>,
    logarithm: Logarithm,
}

impl Straw {
    fn arrivals(&self, key: u64) -> impl Iterator<Item = f64> {
        let key = mix(key);
        let nodes = self.seeds.iter().zip(&self.shares);
        nodes.map(move |(seed, share)| self.logarithm.arrival(mix(key ^ seed)) * share)
    }
}

impl Scheme for Straw {
    const NAME: &str = "straw2, flat";
    const PACE: u64 = 4_000;

    fn build(members: &[Member]) -> Self {
        Self {
            seeds: members.iter().map(Member::seed).collect(),
            shares: members
                .iter()
                .map(|member| 1.0 / f64::from(member.weight))
                .collect(),
            logarithm: Logarithm::new(),
        }
    }

    fn first(&self, key: u64) -> usize {
        let mut best = (f64::INFINITY, 0);
        for (place, arrival) in self.arrivals(key).enumerate() {
            if arrival < best.0 {
                best = (arrival, place);
            }
        }
        best.1
    }

    fn order(&self, key: u64, count: usize) -> Vec<usize> {
        let mut order: Vec<_> = self.arrivals(key).zip(0..).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        order
            .into_iter()
            .map(|(_, place)| place)
            .take(count)
            .collect()
    }
}
