//! A node that fails at once, beside others that take their time, does not draw the load.

use std::{sync::Arc, time::Duration};

use rand::RngExt as _;
use switchgear_core::{
    Millisatoshi, Moment,
    balance::{DispatchRequest, HealthChange, NodeId, Outcome},
    ln::Blame,
};

use crate::common::{
    MS, SECOND, Traffic, World, backends, config, key, one_round, partition, strategies,
};

const REQUESTS_A_SECOND: u32 = 200;

/// What four seconds of requests came to.
struct Story {
    calls_after_2s: usize,
    of_them_to_the_failing: usize,
    failures: usize,
    ejections: usize,
    answered: usize,
    requests: usize,
}

/// Requests with random keys for 4 s, of nodes that take 50 ms, but for the first that fails in 1 ms.
fn story(world: &mut World) -> Story {
    let failing = world.id(0);
    let partition = world.view.number(&partition("a")).unwrap();
    let begin = world.now;
    let mut nodes = |node: NodeId, _: Moment| {
        Some(if node == failing {
            (MS, Outcome::Failed(Blame::Node))
        } else {
            (50 * MS, Outcome::Invoice)
        })
    };
    let mut traffic = Traffic::new(world, one_round());
    let requests = 4 * REQUESTS_A_SECOND;
    for request in 0..requests {
        traffic.run_until(begin + request * (SECOND / REQUESTS_A_SECOND), &mut nodes);
        let comment = traffic.world.rng.random();
        let request = DispatchRequest {
            partition,
            amount: Millisatoshi::from_sat(1),
            key: Some(key(comment)),
        };
        traffic.arrive(request, &mut nodes);
    }
    traffic.run_out(&mut nodes);
    let late = begin + 2 * SECOND;
    let late: Vec<_> = traffic
        .calls
        .iter()
        .filter(|call| call.at >= late)
        .collect();
    Story {
        calls_after_2s: late.len(),
        of_them_to_the_failing: late.iter().filter(|call| call.node == failing).count(),
        failures: traffic
            .calls
            .iter()
            .filter(|call| call.node == failing)
            .count(),
        ejections: traffic
            .changes
            .iter()
            .filter(|change| change.change == Some(HealthChange::Ejected))
            .count(),
        answered: traffic
            .results
            .iter()
            .filter(|result| result.is_ok())
            .count(),
        requests: traffic.results.len(),
    }
}

#[test]
fn a5_a_node_that_fails_at_once_is_hardly_asked_after_two_seconds() {
    for (name, strategy) in strategies() {
        for nodes in [2, 3, 10] {
            let config = config(&["a"], Arc::clone(&strategy));
            let mut world = World::healthy(config, backends(&vec![1; nodes]));
            let story = story(&mut world);
            assert!(story.failures >= 1, "{name}, {nodes} nodes: it did fail");
            // Adaptive choices keep from the node before it has failed often enough to be put aside.
            let ejections = if name == "adaptive" { 0..=1 } else { 1..=1 };
            assert!(
                ejections.contains(&story.ejections),
                "{name}, {nodes} nodes"
            );
            assert!(story.calls_after_2s >= 400, "{name}, {nodes} nodes");
            assert!(
                story.of_them_to_the_failing * 50 <= story.calls_after_2s,
                "{name}, {nodes} nodes: {} of {}",
                story.of_them_to_the_failing,
                story.calls_after_2s
            );
            assert_eq!(story.answered, story.requests, "{name}, {nodes} nodes");
            assert_eq!(story.requests, 800);
        }
    }
}

/// Where the node is not to blame, it is not put aside; but what it is charged for each failure keeps
/// adaptive choices from it. Only draws that all fall on it lead there.
#[test]
fn a5_failing_fast_does_not_look_good_to_adaptive_choices() {
    const NODES: usize = 10;
    let strategy = Arc::new(switchgear_core::balance::Adaptive);
    let mut world = World::healthy(config(&["a"], strategy), backends(&[1; NODES]));
    let failing = world.id(0);
    let partition = world.view.number(&partition("a")).unwrap();
    let begin = world.now;
    let mut nodes = |node: NodeId, _: Moment| {
        Some(if node == failing {
            (MS, Outcome::Failed(Blame::Request))
        } else {
            (50 * MS, Outcome::Invoice)
        })
    };
    let mut traffic = Traffic::new(&mut world, one_round());
    for request in 0..4 * REQUESTS_A_SECOND {
        let gap = Duration::from_secs(1) / REQUESTS_A_SECOND;
        traffic.run_until(begin + request * gap, &mut nodes);
        let request = DispatchRequest {
            partition,
            amount: Millisatoshi::from_sat(1),
            key: None,
        };
        traffic.arrive(request, &mut nodes);
    }
    traffic.run_out(&mut nodes);
    assert_eq!(traffic.changes.len(), 0, "nothing was ejected");
    let late = traffic
        .calls
        .iter()
        .filter(|call| call.at >= begin + 2 * SECOND);
    let late: Vec<_> = late.map(|call| call.node).collect();
    let to_it = late.iter().filter(|node| **node == failing).count();
    // One in a hundred pairs of draws is this node twice.
    assert!(to_it * 33 <= late.len(), "{to_it} of {}", late.len());
}
