//! Failing calls never put aside the last ready node of a partition; failing checks may.

use std::{collections::BTreeSet, sync::Arc};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi,
    backend::Backend,
    balance::{Check, DispatchRequest, HealthChange, Outcome, Report, RoundRobin},
    ln::Blame,
};

use crate::common::{
    MS, PUBLICATION_PERIOD, Traffic, World, backend, config, one_round, partition,
};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Nodes of one partition, or each of a few of four at random.
fn listed(nodes: usize, overlapping: bool) -> Vec<Backend> {
    let mut rng = StdRng::seed_from_u64(nodes as u64);
    let names = |number: usize| {
        if !overlapping {
            return vec!["a"];
        }
        let others = NAMES.into_iter().filter(|_| rng.random_bool(0.4));
        let own = std::iter::once(NAMES[number % 4]);
        let names: BTreeSet<_> = own.chain(others).collect();
        names.into_iter().collect()
    };
    let names: Vec<_> = (0..nodes).map(names).collect();
    let names = names.iter().enumerate();
    names
        .map(|(number, names)| backend(number, 1, names))
        .collect()
}

/// Lets all nodes fail at all requests until nobody else is ejected; how many were.
fn fail_all(world: &mut World) -> usize {
    let numbers = NAMES.map(|name| world.view.number(&partition(name)).unwrap());
    let populated = NAMES.map(|name| world.ready(name) > 0);
    let mut fail = |_, _| Some((MS, Outcome::Failed(Blame::Node)));
    let mut ejected = 0;
    let mut quiet = 0;
    while quiet < 5 {
        let before = ejected;
        for partition in numbers {
            let request = DispatchRequest {
                partition,
                amount: Millisatoshi::from_sat(1),
                key: None,
            };
            let mut traffic = Traffic::new(world, one_round());
            traffic.arrive(request, &mut fail);
            traffic.run_out(&mut fail);
            let is_ejection = |change: &Option<_>| *change == Some(HealthChange::Ejected);
            ejected += traffic
                .changes
                .iter()
                .filter(|change| is_ejection(&change.change))
                .count();
            traffic.run_until(traffic.world.now + PUBLICATION_PERIOD, &mut fail);
            world.publish();
            for (name, populated) in NAMES.into_iter().zip(populated) {
                assert!(
                    !populated || world.ready(name) > 0,
                    "{name} lost its last ready node"
                );
            }
        }
        quiet = if ejected == before { quiet + 1 } else { 0 };
    }
    ejected
}

const SIZES: [usize; 6] = [1, 2, 3, 5, 50, 500];

#[test]
fn a4_the_last_ready_node_of_a_partition_is_not_ejected() {
    for nodes in SIZES {
        let config = config(&NAMES, Arc::new(RoundRobin));
        let mut world = World::healthy(config, listed(nodes, false));
        assert_eq!(fail_all(&mut world), nodes - 1, "all the others are");
        assert_eq!(world.ready("a"), 1);
    }
}

#[test]
fn a4_nor_is_it_where_partitions_overlap() {
    for nodes in SIZES {
        let config = config(&NAMES, Arc::new(RoundRobin));
        let mut world = World::healthy(config, listed(nodes, true));
        let ejected = fail_all(&mut world);
        // Each node that is left is the last one of a partition.
        assert!(
            ejected >= nodes.saturating_sub(NAMES.len()),
            "{ejected} of {nodes}"
        );
        assert!(ejected < nodes);
    }
}

#[test]
fn a4_active_checks_may_take_the_last_one() {
    for nodes in SIZES {
        for overlapping in [false, true] {
            let config = config(&NAMES, Arc::new(RoundRobin));
            let mut world = World::healthy(config, listed(nodes, overlapping));
            fail_all(&mut world);
            for number in 0..nodes {
                world.check(number, Check::Bad);
            }
            world.publish();
            for name in NAMES {
                assert_eq!(world.ready(name), 0, "{nodes} nodes");
            }
        }
    }
}

#[test]
fn a4_a_node_that_becomes_the_last_one_is_not_ejected_though_nothing_was_published() {
    let mut world = World::healthy(config(&NAMES, Arc::new(RoundRobin)), listed(3, false));
    let ids = [0, 1, 2].map(|number| world.id(number));
    let now = world.now;
    // The others fail at their checks, and requests do not know it yet.
    world.check(1, Check::Bad);
    world.check(2, Check::Bad);
    let report = Report::Failing(ids[0]);
    assert_eq!(world.fleet.reported(report, now), None);
    // With one of them back it may be.
    world.check(1, Check::Good { inbound: None });
    assert_eq!(
        world.fleet.reported(report, now),
        Some(HealthChange::Ejected)
    );
}
