use std::{num::NonZeroU32, sync::Arc};

use super::world::{
    MS, SECOND,
    Script::{Answers, Fails, Hangs, Refuses},
    World, config,
};
use crate::balance::{DispatchConfig, Report};

#[test]
fn counts_a_refusal_against_nobody() {
    let mut world = World::new(&[Refuses(MS), Answers(MS), Answers(MS)]);
    for _ in 0..30 {
        world.request(config());
    }
    assert_eq!(world.ready(), 3);
}

#[test]
fn puts_a_failing_node_aside_and_takes_it_back_by_a_probe() {
    let mut world = World::new(&[Fails(MS), Answers(5 * MS), Answers(5 * MS)]);
    for _ in 0..9 {
        assert!(world.request(config()).result.is_ok());
    }
    assert_eq!(world.ready(), 2);
    let failed = world.ids[0];
    let asked = |world: &mut World| world.request(config()).calls.contains(&failed);
    assert!(!asked(&mut world), "it is out");

    // The probe is due after a second; it fails, and the next is due two seconds later.
    world.now = world.now + SECOND;
    let story = world.request(config());
    assert_eq!(story.calls[0], failed);
    assert_eq!(story.took, 5 * MS, "the next candidate is asked beside it");
    world.now = world.now + SECOND;
    assert!(!asked(&mut world));

    world.scripts.insert(failed, Answers(50 * MS));
    world.now = world.now + 2 * SECOND;
    let story = world.request(config());
    assert_eq!((story.result.is_ok(), story.took), (true, 5 * MS));
    assert_eq!(
        world.detached, 1,
        "its probe ends alone, for it is slower than the others"
    );
    assert_eq!(world.ready(), 3);
}

#[test]
fn puts_a_hanging_node_aside() {
    let mut world = World::new(&[Hangs, Answers(5 * MS)]);
    for _ in 0..6 {
        assert!(world.request(config()).result.is_ok());
    }
    assert_eq!(world.ready(), 1);
    assert_eq!(world.request(config()).took, 5 * MS);
}

#[test]
fn does_not_hold_calls_from_before_its_ejection_against_a_node() {
    let mut world = World::new(&[Hangs, Answers(5 * MS)]);
    let node = Arc::clone(&world.picker().ready()[0]);
    let reports: Vec<_> = (0..50).filter_map(|_| node.failed()).collect();
    for report in reports {
        world.fleet.reported(report, world.now);
    }
    assert_eq!(node.failed(), None);
    assert!(node.is_probe_due(world.now + SECOND), "it is 1 s, not 60 s");
}

#[test]
fn asks_the_ejected_last() {
    let mut world = World::new(&[Fails(MS), Answers(5 * MS)]);
    for _ in 0..6 {
        world.request(config());
    }
    assert_eq!(world.ready(), 1);
    let [ejected, good] = world.ids[..] else {
        unreachable!()
    };
    world.scripts.insert(ejected, Answers(5 * MS));
    world.scripts.insert(good, Fails(MS));
    let story = world.request(config());
    assert_eq!(story.result, Ok(ejected));
    assert_eq!(story.calls, [good, ejected]);
}

#[test]
fn does_not_blame_a_node_that_was_given_too_little_time() {
    let mut world = World::new(&[Hangs; 100]);
    for _ in 0..5 {
        world.request(config());
    }
    assert_eq!(world.ready(), 100);
}

#[test]
fn ejects_a_node_that_hangs_behind_a_hedge() {
    let hedging = DispatchConfig {
        hedge_after: Some(50 * MS),
        ..config()
    };
    let mut world = World::new(&[Hangs, Answers(5 * MS)]);
    for _ in 0..6 {
        assert!(world.request(hedging).result.is_ok());
    }
    assert_eq!(world.ready(), 1);
}

#[test]
fn learns_a_nodes_latency_and_charges_a_failure_its_limit() {
    let mut world = World::new(&[Answers(50 * MS)]);
    let node = Arc::clone(&world.picker().ready()[0]);
    assert_eq!(node.latency(world.now), None);
    world.request(config());
    assert_eq!(node.latency(world.now), Some(50 * MS));
    world.scripts.insert(node.id(), Fails(MS));
    world.request(config());
    assert_eq!(node.latency(world.now), Some(2 * SECOND));
    let later = world.now + 5 * SECOND;
    assert_eq!(
        node.latency(later),
        Some(SECOND),
        "the peak fades by half in 5 s"
    );
}

#[test]
fn learns_from_a_call_that_was_given_up_for_another() {
    let hedging = DispatchConfig {
        hedge_after: Some(50 * MS),
        ..config()
    };
    let mut world = World::new(&[Hangs, Answers(5 * MS)]);
    let slow = Arc::clone(&world.picker().ready()[0]);
    world.request(hedging);
    assert!(slow.latency(world.now) >= Some(55 * MS));
}

#[test]
fn a_call_that_is_given_up_says_how_long_its_node_takes_at_least() {
    let mut world = World::new(&[Hangs]);
    let node = Arc::clone(&world.picker().ready()[0]);
    let mut dispatch = world.dispatch(config());
    let call = world.start(&mut dispatch);
    let given_up = world.now + 70 * MS;
    call.verdict().overtaken(given_up);
    assert_eq!(node.latency(given_up), Some(70 * MS));
    call.verdict().overtaken(world.now + 10 * MS);
    assert_eq!(node.latency(given_up), Some(70 * MS), "no news");
}

#[test]
fn a_probe_takes_nothing_from_what_a_round_may_ask() {
    let bounded = DispatchConfig {
        max_iterations: NonZeroU32::new(1),
        ..config()
    };
    let mut world = World::new(&[Fails(MS), Answers(5 * MS)]);
    for _ in 0..6 {
        world.request(config());
    }
    assert_eq!(world.ready(), 1);
    world.now = world.now + SECOND;
    let story = world.request(bounded);
    assert_eq!(story.calls, world.ids, "the probe, and the one to be asked");
    assert!(story.result.is_ok());
}

#[test]
fn blames_a_node_that_hangs_among_many_once_another_answers() {
    let mut scripts = [Answers(5 * MS); 20];
    scripts[0] = Hangs;
    let mut world = World::new(&scripts);
    for _ in 0..60 {
        assert!(world.request(config()).result.is_ok());
    }
    assert_eq!(
        world.ready(),
        19,
        "a quarter of a second is time enough here"
    );
}

#[test]
fn makes_one_longer_wait_of_probes_that_failed_side_by_side() {
    let mut world = World::new(&[Fails(MS), Answers(5 * MS)]);
    let node = Arc::clone(&world.picker().ready()[0]);
    for _ in 0..6 {
        world.request(config());
    }
    let due = world.now + SECOND;
    for _ in 0..5 {
        world.fleet.reported(Report::TrialFailed(node.id()), due);
    }
    assert!(!node.is_probe_due(due + SECOND) && node.is_probe_due(due + 2 * SECOND));
}
