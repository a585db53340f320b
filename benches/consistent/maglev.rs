use crate::scheme::{Member, Scheme, mix};

/// A table of 65,537 slots that nodes fill in turn, each by a permutation of its own and as often as it
/// weighs; a key belongs to its slot's node.
#[derive(Debug)]
pub(crate) struct Maglev {
    slots: Box<[u32]>,
}

impl Maglev {
    const SLOTS: usize = 65_537;

    fn slot(&self, key: u64) -> usize {
        ((u128::from(mix(key)) * self.slots.len() as u128) >> 64) as usize
    }
}

/// Where a node's permutation of the slots stands.
struct Filler {
    next: usize,
    skip: usize,
    /// What the node has of its next turn.
    due: u64,
}

impl Scheme for Maglev {
    const NAME: &str = "Maglev, 65,537 slots";

    fn build(members: &[Member]) -> Self {
        const FREE: u32 = u32::MAX;
        let mut slots = vec![FREE; Self::SLOTS];
        let mut fillers: Vec<_> = members.iter().map(filler).collect();
        let heaviest = members
            .iter()
            .map(|member| u64::from(member.weight))
            .max()
            .unwrap_or(1);
        let mut left = Self::SLOTS;
        while left > 0 {
            for (node, (filler, member)) in (0..).zip(fillers.iter_mut().zip(members)) {
                filler.due += u64::from(member.weight);
                if filler.due < heaviest || left == 0 {
                    continue;
                }
                filler.due -= heaviest;
                while slots[filler.next] != FREE {
                    filler.next = (filler.next + filler.skip) % Self::SLOTS;
                }
                slots[filler.next] = node;
                left -= 1;
            }
        }
        Self {
            slots: slots.into(),
        }
    }

    fn first(&self, key: u64) -> usize {
        self.slots[self.slot(key)] as usize
    }

    fn order(&self, key: u64, count: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let start = self.slot(key);
        let around = self.slots[start..].iter().chain(&self.slots[..start]);
        for node in around {
            if !order.contains(&(*node as usize)) {
                order.push(*node as usize);
            }
            if order.len() == count {
                break;
            }
        }
        order
    }
}

fn filler(member: &Member) -> Filler {
    let seed = member.seed();
    let below = |bound: usize, hash: u64| (hash % bound as u64) as usize;
    Filler {
        next: below(Maglev::SLOTS, mix(seed ^ 1)),
        skip: 1 + below(Maglev::SLOTS - 1, mix(seed ^ 2)),
        due: 0,
    }
}
