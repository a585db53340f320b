//! A partition is published at most once in 50 ms, and only where something changed.

use std::{sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Moment,
    balance::{Check, Picker, RoundRobin},
};

use crate::common::{MS, PUBLICATION_PERIOD, World, backend, config, partition};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Five nodes: two of `a`, one of `a` and `b`, two of `c`.
fn world() -> World {
    let listed: [&[&str]; 5] = [&["a"], &["a"], &["a", "b"], &["c"], &["c"]];
    let listed = listed.iter().enumerate();
    let listed = listed
        .map(|(number, names)| backend(number, 1, names))
        .collect();
    World::healthy(config(&NAMES, Arc::new(RoundRobin)), listed)
}

fn pickers(world: &World) -> [Arc<Picker>; 3] {
    NAMES.map(|name| {
        let number = world.view.number(&partition(name)).unwrap();
        Arc::clone(&world.view.picker(number).unwrap())
    })
}

/// Whether each partition was published between the two looks.
fn swapped(before: &[Arc<Picker>; 3], after: &[Arc<Picker>; 3]) -> [bool; 3] {
    [0, 1, 2].map(|index| !Arc::ptr_eq(&before[index], &after[index]))
}

#[test]
fn a_flip_swaps_the_pickers_of_its_own_partitions_only() {
    for (number, expected) in [
        (0, [true, false, false]),
        (2, [true, true, false]),
        (4, [false, false, true]),
    ] {
        let mut world = world();
        let before = pickers(&world);
        world.check(number, Check::Bad);
        assert_eq!(
            swapped(&before, &pickers(&world)),
            [false; 3],
            "nothing before it is published"
        );
        world.publish();
        assert_eq!(
            swapped(&before, &pickers(&world)),
            expected,
            "node {number}"
        );
    }
}

#[test]
fn a_check_that_changes_nothing_swaps_nothing() {
    let mut world = world();
    let before = pickers(&world);
    for _ in 0..10 {
        world.check(0, Check::Good { inbound: None });
        world.publish();
    }
    assert_eq!(swapped(&before, &pickers(&world)), [false; 3]);
}

#[test]
fn a_partition_is_published_at_most_once_in_50_ms_and_no_change_is_lost() {
    let mut world = world();
    let begin = world.now;
    let mut rng = StdRng::seed_from_u64(1);
    let mut last = [begin; 3];
    let mut swaps = [0; 3];
    let mut healthy = [true; 5];
    let mut due: Option<Moment> = None;
    while world.now.since(begin) < Duration::from_secs(20) {
        world.now = world.now + MS;
        if rng.random_ratio(1, 3) {
            let number = rng.random_range(0..5);
            healthy[number] = !healthy[number];
            let good = Check::Good { inbound: None };
            world.check(number, if healthy[number] { good } else { Check::Bad });
        }
        let before = pickers(&world);
        let waits = world.fleet.publish(world.now);
        assert!(
            waits.is_none_or(|at| at > world.now),
            "it is to wait for a later moment"
        );
        assert!(waits.is_none_or(|at| at.since(world.now) <= PUBLICATION_PERIOD));
        if due.is_some_and(|due| due <= world.now) {
            assert!(waits != due, "what was due is published");
        }
        due = waits;
        let now = swapped(&before, &pickers(&world));
        for index in 0..3 {
            if now[index] {
                let gap = world.now.since(last[index]);
                assert!(gap >= PUBLICATION_PERIOD, "{}: {gap:?}", NAMES[index]);
                last[index] = world.now;
                swaps[index] += 1;
            }
        }
        if waits.is_none() {
            let ready =
                [0..3, 2..3, 3..5].map(|members| members.filter(|member| healthy[*member]).count());
            assert_eq!(
                NAMES.map(|name| world.ready(name)),
                ready,
                "all is published"
            );
        }
    }
    // There was hardly a moment without something to publish.
    assert!(
        swaps.iter().all(|swaps| (250..=401).contains(swaps)),
        "{swaps:?}"
    );
}
