use std::sync::Arc;

use rand_core::Rng;

use super::{
    Among, Candidates, Chooser, Draw, Node, NodeId, Pick, Seats,
    dispatch::Asked,
    partition_turns::PartitionTurns,
    ranges::Ranges,
    run::{Run, Start},
};
use crate::Moment;

/// The nodes of one partition, sorted by what may be asked of them: immutable, replaced whole.
#[derive(Debug)]
pub struct Picker {
    /// Eligible, healthy and not ejected.
    pub(super) seats: Seats,
    pub(super) chooser: Box<dyn Chooser>,
    pub(super) turns: Arc<PartitionTurns>,
    /// With a capacity bias: what each seat is in range of.
    pub(super) ranges: Option<Ranges>,
    /// Eligible and healthy by their checks, put aside for their calls.
    pub(super) ejected: Box<[Arc<Node>]>,
    /// Eligible, and unhealthy or never checked.
    pub(super) dormant: Box<[Arc<Node>]>,
    /// All that are eligible, in order.
    pub(super) eligible: Box<[NodeId]>,
    /// All that discovery lists, the disabled and draining too.
    pub(super) total: usize,
}

impl Picker {
    /// The nodes that are ready, in no order of choice.
    pub fn ready(&self) -> &[Arc<Node>] {
        self.seats.nodes()
    }

    /// How many nodes discovery lists for the partition, whatever their state.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whom a request asks, best first, each node once: the ready nodes in range of the amount, the other
    /// ready ones, and those that are ejected.
    ///
    /// The first comes without a lock and without an allocation. So do the others, each eight of them by a
    /// look at all nodes: to name every node of a large fleet takes the square of their number.
    pub fn candidates(&self, pick: &Pick, rng: &mut dyn Rng) -> Candidates<'_> {
        Candidates {
            picker: self,
            run: Run::start(self, pick, rng),
        }
    }

    /// Chooses where a run begins.
    pub(super) fn choose(&self, pick: &Pick, rng: &mut dyn Rng) -> Option<Start> {
        let in_range = self.in_range(pick);
        // With nobody in range, all are chosen among alike.
        let among = Among::first(&self.seats, in_range)
            .or_else(|| Among::first(&self.seats, usize::MAX))?;
        let turns = self.turns.of(&among);
        let choice = self
            .chooser
            .choose(&among, pick, &mut Draw::new(turns, rng));
        Some(Start {
            in_range,
            seat: if choice.seat < among.len() {
                choice.seat
            } else {
                0
            },
            rest: choice.rest,
        })
    }

    /// How many of the first seats are in range, but for those whose readings are too old.
    fn in_range(&self, pick: &Pick) -> usize {
        match &self.ranges {
            Some(ranges) => ranges.in_range(pick.amount, pick.now),
            None => self.seats.len(),
        }
    }

    /// Whether the reading that puts a seat in range is not too old.
    pub(super) fn is_fresh(&self, seat: usize, now: Moment) -> bool {
        let ranges = self.ranges.as_ref();
        ranges.is_none_or(|ranges| ranges.is_fresh(seat, now))
    }

    /// Whether there is a node that a round would ask now, and that is not among `asked`.
    pub(super) fn has_candidate_besides(&self, asked: &Asked) -> bool {
        let mut candidates = self.ready().iter().chain(&self.ejected);
        candidates.any(|node| node.is_open() && !asked.contains(node.id()))
    }

    /// Whether the node is eligible here.
    pub(super) fn lists(&self, id: NodeId) -> bool {
        self.eligible.binary_search(&id).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::Millisatoshi;
    use crate::balance::{
        CapacityBias, Check, Choice, Chooser, Draw, Fleet, Seats, Strategy,
        fixture::{backend, config, make_healthy, partition},
    };

    fn asked(id: NodeId) -> Asked {
        let mut asked = Asked::default();
        asked.ask(id);
        asked
    }

    /// Nodes of partition `a`, each with what it can receive.
    fn fleet(inbound: &[u64]) -> (Fleet, Vec<NodeId>) {
        let mut config = config(&["a"]);
        config.capacity_bias = Some(CapacityBias::try_new(0.0).unwrap());
        let mut fleet = Fleet::new(config);
        let names = (0..inbound.len()).map(|number| format!("n{number}"));
        let backends = names.map(|name| backend(&name, &["a"])).collect();
        let ids = make_healthy(&mut fleet, backends);
        for (id, inbound) in ids.iter().zip(inbound) {
            let inbound = Some(Millisatoshi::new(*inbound));
            fleet.checked(*id, Check::Good { inbound }, Moment::ORIGIN);
        }
        fleet.publish(later());
        (fleet, ids)
    }

    fn later() -> Moment {
        Moment::after_origin(Duration::from_millis(50))
    }

    fn picker(fleet: &Fleet) -> Arc<Picker> {
        let view = fleet.view();
        let number = view.number(&partition("a")).unwrap();
        Arc::clone(&view.picker(number).unwrap())
    }

    fn first(picker: &Picker, amount: u64) -> NodeId {
        let pick = Pick {
            now: later(),
            amount: Millisatoshi::new(amount),
            key: None,
        };
        let mut rng = StdRng::seed_from_u64(1);
        picker.candidates(&pick, &mut rng).next().unwrap().id()
    }

    #[test]
    fn counts_turns_among_all_and_among_those_in_range_apart() {
        let (fleet, ids) = fleet(&[10, 20, 20]);
        let picker = picker(&fleet);
        let of_all: Vec<_> = (0..6)
            .map(|_| {
                first(&picker, 15);
                first(&picker, 5)
            })
            .collect();
        // In falling order of what they can receive.
        assert_eq!(of_all, [ids[1], ids[2], ids[0], ids[1], ids[2], ids[0]]);
    }

    #[test]
    fn says_how_many_are_to_come() {
        let (fleet, _) = fleet(&[10, 20, 20]);
        let picker = picker(&fleet);
        let pick = Pick {
            now: later(),
            amount: Millisatoshi::new(15),
            key: None,
        };
        let mut rng = StdRng::seed_from_u64(1);
        let mut candidates = picker.candidates(&pick, &mut rng);
        for left in (0..3).rev() {
            candidates.next().unwrap();
            assert_eq!(candidates.len(), left);
        }
        assert!(candidates.next().is_none());
    }

    #[test]
    fn tells_whom_it_lists_and_who_else_may_be_asked() {
        let (mut fleet, ids) = fleet(&[10, 20]);
        fleet.checked(ids[1], Check::Bad, later());
        fleet.publish(later() + Duration::from_millis(50));
        let picker = picker(&fleet);
        assert!(
            picker.lists(ids[0]) && picker.lists(ids[1]),
            "an unhealthy one is eligible"
        );
        assert!(!picker.lists(NodeId(99)));
        assert!(picker.has_candidate_besides(&asked(ids[1])));
        assert!(
            !picker.has_candidate_besides(&asked(ids[0])),
            "an unhealthy one is no candidate"
        );
        assert_eq!((picker.ready().len(), picker.total()), (1, 2));
    }

    /// A strategy of somebody's own that miscounts.
    #[derive(Debug)]
    struct OneTooFar;

    impl Strategy for OneTooFar {
        fn prepare(&self, _ready: &Seats) -> Box<dyn Chooser> {
            Box::new(OneTooFar)
        }
    }

    impl Chooser for OneTooFar {
        fn choose(&self, among: &Among<'_>, _pick: &Pick, draw: &mut Draw<'_>) -> Choice {
            Choice {
                seat: among.len(),
                rest: draw.key(),
            }
        }
    }

    #[test]
    fn takes_a_seat_out_of_bounds_for_the_first() {
        let mut config = config(&["a"]);
        config.strategy = Arc::new(OneTooFar);
        let mut fleet = Fleet::new(config);
        let backends = (0..3).map(|number| backend(&format!("n{number}"), &["a"]));
        make_healthy(&mut fleet, backends.collect());
        fleet.publish(later());
        let picker = picker(&fleet);
        assert_eq!(first(&picker, 1), picker.ready()[0].id());
    }
}
