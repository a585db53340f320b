//! Picks as a program makes them that embeds the core.

use std::{hint::black_box, sync::Arc};

use switchgear_core::{
    Millisatoshi, Partition,
    balance::{AffinityKey, Fleet, FleetView, Node, PartitionNumber, Pick},
};

use crate::fleet::CHECKED;

/// Requests to one partition of a fleet, one after the other.
///
/// The partition's number is looked up once. Each request loads the partition's picker, hashes its
/// comment where it has one, draws from the thread's generator where chance is asked for, and takes
/// the first candidate.
#[derive(Debug, Clone)]
pub struct Requests {
    view: Arc<FleetView>,
    number: PartitionNumber,
    amount: Millisatoshi,
}

impl Requests {
    /// Requests of `amount` to `partition`, which the fleet serves.
    pub fn new(fleet: &Fleet, partition: &Partition, amount: Millisatoshi) -> Self {
        let view = fleet.view();
        let number = view.number(partition);
        Self {
            number: number.expect("the partition is served"),
            view,
            amount,
        }
    }

    /// One pick: whether a node was found. The node is lent, for as long as the picker is held.
    #[inline]
    pub fn pick(&self, comment: Option<&[u8]>) -> bool {
        self.with_first(comment, |node| black_box(node).is_some())
    }

    /// One pick whose node is kept beyond the picker's hold: its reference is counted, which touches
    /// the node's own memory.
    #[inline]
    pub fn pick_kept(&self, comment: Option<&[u8]>) -> Option<Arc<Node>> {
        self.with_first(comment, |node| node.map(Arc::clone))
    }

    #[inline]
    fn with_first<T>(
        &self,
        comment: Option<&[u8]>,
        take: impl FnOnce(Option<&Arc<Node>>) -> T,
    ) -> T {
        let Some(picker) = self.view.picker(self.number) else {
            return take(None);
        };
        let pick = Pick {
            now: CHECKED,
            amount: self.amount,
            key: comment.map(AffinityKey::of),
        };
        take(picker.candidates(&pick, &mut rand::rng()).next())
    }
}

#[cfg(test)]
mod tests {
    use switchgear_core::balance::FleetConfig;

    use super::*;
    use crate::fleet::{GOOD, backends, checked, partition};

    #[test]
    fn each_request_gets_a_node_of_its_partition() {
        let backends = backends(20, |index| (partition(index % 10), 1));
        let members = [7, 17].map(|index: usize| backends[index].address.clone());
        let config = FleetConfig::new((0..10).map(partition).collect());
        let fleet = checked(config, backends, |_| GOOD);
        let requests = Requests::new(&fleet, &partition(7), Millisatoshi::ZERO);
        for turn in 0..4 {
            let node = requests.pick_kept(None).unwrap();
            assert_eq!(*node.address(), members[turn % 2]);
        }
    }
}
