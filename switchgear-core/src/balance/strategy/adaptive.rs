use std::{sync::Arc, time::Duration};

use super::{Among, Choice, Chooser, Draw, Pick, Random, Strategy};
use crate::{
    Moment,
    balance::{Node, Seats},
};

/// Two choices: of two nodes drawn by weight, the one with the lower cost is asked first.
///
/// The cost is (calls under way + 1) × the latency to expect ([`Node::latency`]). A failed call is
/// charged its whole limit, so that a node that fails fast does not look good. Two draws keep
/// requests from rushing at whichever node looks best (Mitzenmacher, 2001).
#[derive(Debug, Clone, Copy, Default)]
pub struct Adaptive;

impl Adaptive {
    /// What a node is taken for before its first call: quick enough to be tried, and not so quick that
    /// all requests go there until it answers.
    const UNKNOWN_LATENCY: Duration = Duration::from_millis(1);

    /// How often a node that was drawn twice is drawn again; one that outweighs all others may stay.
    const REDRAWS: u32 = 3;

    fn cost(node: &Arc<Node>, now: Moment) -> u128 {
        let latency = node.latency(now).unwrap_or(Self::UNKNOWN_LATENCY);
        let calls = u128::from(node.in_flight()) + 1;
        // A latency that has faded away must not hide how many calls are under way.
        calls * latency.as_nanos().max(1)
    }
}

impl Strategy for Adaptive {
    fn prepare(&self, ready: &Seats) -> Box<dyn Chooser> {
        Box::new(AdaptiveChooser {
            random: Random.prepare(ready),
        })
    }
}

#[derive(Debug)]
struct AdaptiveChooser {
    random: Box<dyn Chooser>,
}

impl Chooser for AdaptiveChooser {
    fn choose(&self, among: &Among<'_>, pick: &Pick, draw: &mut Draw<'_>) -> Choice {
        let one = self.random.choose(among, pick, draw);
        let mut other = self.random.choose(among, pick, draw);
        for _ in 0..Adaptive::REDRAWS {
            if other.seat != one.seat {
                break;
            }
            other = self.random.choose(among, pick, draw);
        }
        let cost = |choice: &Choice| {
            among
                .node(choice.seat)
                .map(|node| Adaptive::cost(node, pick.now))
        };
        if cost(&other) < cost(&one) {
            other
        } else {
            one
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::fixture;

    #[test]
    fn a_call_under_way_counts_as_often_as_the_latency_is_long() {
        const MS: Duration = Duration::from_millis(1);
        let seats = fixture::seats(&[1, 1]);
        let [busy, slow] = [0, 1].map(|seat| seats.node(seat).unwrap());
        let now = Moment::ORIGIN;
        busy.live().observe_latency(MS, now);
        slow.live().observe_latency(2 * MS, now);
        assert!(Adaptive::cost(busy, now) < Adaptive::cost(slow, now));
        let calls = [(); 2].map(|()| busy.count_call());
        assert_eq!(Adaptive::cost(busy, now), (3 * MS).as_nanos());
        assert_eq!(Adaptive::cost(slow, now), (2 * MS).as_nanos());
        drop(calls);
        assert_eq!(Adaptive::cost(busy, now), MS.as_nanos());
    }
}
