use crate::{
    logarithm::Logarithm,
    scheme::{Member, Scheme, mix},
};

/// straw2 in a trie over four bits of the seeds at a time: a branch weighs what its leaves do, so a
/// lookup sees 16 branches at each level instead of all nodes.
#[derive(Debug)]
pub(crate) struct Trie {
    root: Vec<Branch>,
    /// Each node's seed and weight.
    nodes: Box<[(u64, u64)]>,
    logarithm: Logarithm,
}

#[derive(Debug)]
struct Branch {
    /// A hash of the seeds' common bits; of the whole seed for a leaf.
    seed: u64,
    weight: u64,
    below: Below,
}

#[derive(Debug)]
enum Below {
    Leaf(usize),
    Branches(Vec<Branch>),
}

impl Trie {
    /// The first besides those in `without`, as if they were not there.
    fn first_without(&self, key: u64, without: &[(u64, u64)]) -> usize {
        let key = mix(key);
        let (mut branches, mut depth) = (&self.root, 0);
        loop {
            let mut best = (f64::INFINITY, None);
            for branch in branches {
                let gone = without
                    .iter()
                    .filter(|(seed, _)| branch.holds(*seed, depth));
                let weight = branch.weight - gone.map(|(_, weight)| weight).sum::<u64>();
                let arrival = self.logarithm.arrival(mix(key ^ branch.seed)) / weight as f64;
                if weight > 0 && arrival < best.0 {
                    best = (arrival, Some(&branch.below));
                }
            }
            match best.1.expect("there are nodes") {
                Below::Leaf(place) => return *place,
                Below::Branches(below) => (branches, depth) = (below, depth + 1),
            }
        }
    }
}

impl Branch {
    fn of(members: Vec<(usize, Member)>, depth: u32) -> Vec<Self> {
        let mut slots: [Vec<(usize, Member)>; 16] = Default::default();
        for (place, member) in members {
            slots[nibble(member.seed(), depth)].push((place, member));
        }
        slots
            .into_iter()
            .filter(|slot| !slot.is_empty())
            .map(|slot| Self::over(slot, depth))
            .collect()
    }

    fn over(members: Vec<(usize, Member)>, depth: u32) -> Self {
        let weight = members
            .iter()
            .map(|(_, member)| u64::from(member.weight))
            .sum();
        let (place, first) = members[0];
        let (seed, below) = if members.len() == 1 {
            (first.seed(), Below::Leaf(place))
        } else {
            let below = Below::Branches(Self::of(members, depth + 1));
            (branch_seed(first.seed(), depth), below)
        };
        Self {
            seed,
            weight,
            below,
        }
    }

    /// Whether the node with this seed is here or below, given that it is below the branch above.
    fn holds(&self, seed: u64, depth: u32) -> bool {
        match &self.below {
            Below::Leaf(_) => self.seed == seed,
            Below::Branches(_) => self.seed == branch_seed(seed, depth),
        }
    }
}

impl Scheme for Trie {
    const NAME: &str = "straw2, trie";

    fn build(members: &[Member]) -> Self {
        let nodes = members
            .iter()
            .map(|member| (member.seed(), u64::from(member.weight)));
        Self {
            nodes: nodes.collect(),
            root: Branch::of(members.iter().copied().enumerate().collect(), 0),
            logarithm: Logarithm::new(),
        }
    }

    fn first(&self, key: u64) -> usize {
        self.first_without(key, &[])
    }

    fn order(&self, key: u64, count: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let mut without = Vec::new();
        for _ in 0..count {
            let next = self.first_without(key, &without);
            without.push(self.nodes[next]);
            order.push(next);
        }
        order
    }
}

fn nibble(seed: u64, depth: u32) -> usize {
    (seed >> (60 - 4 * depth)) as usize & 15
}

/// What a branch draws by: its own bits alone, so that it stays the same when it gets company.
fn branch_seed(seed: u64, depth: u32) -> u64 {
    mix(!((seed >> (60 - 4 * depth)) ^ (u64::from(depth) << 60)))
}
