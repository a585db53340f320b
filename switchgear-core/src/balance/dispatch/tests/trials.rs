use std::{num::NonZeroU32, time::Duration};

use super::world::{
    GOOD, MS, SECOND,
    Script::{Answers, Fails, Hangs},
    World, config, numbered,
};
use crate::{
    Moment,
    balance::{Action, Check, DispatchConfig, Event, NodeId},
    ln::NoInvoice,
};

#[test]
fn lets_the_refresh_run_when_those_put_aside_have_failed_too() {
    let mut world = World::new(&[Fails(MS), Answers(MS)]);
    for _ in 0..6 {
        world.request(config());
    }
    assert_eq!(world.picker().ejected.len(), 1);
    world.fleet.checked(world.ids[1], Check::Bad, world.now);
    assert_eq!((world.ready(), world.refreshes), (0, 0));
    world.heals = vec![(world.ids[1], true)];
    let story = world.request(config());
    assert_eq!(story.result, Ok(world.ids[1]));
    assert_eq!((story.calls[0], world.refreshes), (world.ids[0], 1));
}

#[test]
fn waits_for_the_refresh_when_nobody_is_ready() {
    let mut world = World::unchecked(&[Answers(5 * MS), Answers(5 * MS)]);
    world.heals = vec![(world.ids[1], true)];
    let story = world.request(config());
    assert_eq!(story.result, Ok(world.ids[1]));
    assert_eq!((story.took, world.refreshes), (5 * MS, 1));
}

#[test]
fn tries_nodes_that_are_not_ready_when_the_refresh_finds_none() {
    let mut world = World::unchecked(&[Fails(MS), Answers(5 * MS)]);
    world.heals = vec![(world.ids[0], false), (world.ids[1], false)];
    let story = world.request(config());
    assert_eq!(story.result, Ok(world.ids[1]));
    assert_eq!(story.calls.last(), Some(&world.ids[1]));
    assert_eq!(world.ready(), 0, "its health is for the checks to say");
}

#[test]
fn does_not_wait_for_a_refresh_that_never_ends() {
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    let story = world.request(config());
    assert_eq!(story.result, Ok(world.ids[0]));
    assert_eq!(
        story.took,
        2 * SECOND + 5 * MS,
        "as long as one node may take"
    );
}

#[test]
fn leaves_a_trial_to_the_request_that_has_it() {
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    let trial = world.picker().dormant[0].try_trial().unwrap();
    let story = world.request(config());
    assert_eq!(story.result, Err(NoInvoice::Deadline));
    assert_eq!(story.calls, []);
    drop(trial);
    assert!(world.request(config()).result.is_ok());
}

#[test]
fn says_that_there_is_no_node() {
    let mut world = World::new(&[]);
    world.heals = vec![(NodeId(7), true)];
    let story = world.request(config());
    assert_eq!(story.result, Err(NoInvoice::NoNode));
    assert_eq!(story.took, Duration::ZERO);
}

#[test]
fn goes_to_trials_when_its_own_nodes_are_checked_whatever_others_do() {
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    world.now = world.now + SECOND;
    let mut dispatch = world.dispatch(config());
    let mut poll = |world: &mut World| world.poll(&mut dispatch);
    assert!(matches!(poll(&mut world), Action::Refresh));
    assert!(matches!(poll(&mut world), Action::WaitUntil(_)));
    // An answer to a question from before may lack what was registered since.
    world.fleet.update(vec![numbered(0)], world.now);
    world.fleet.discovered(Moment::ORIGIN);
    world.fleet.checked(world.ids[0], Check::Bad, world.now);
    assert!(matches!(poll(&mut world), Action::WaitUntil(_)));
    world.fleet.discovered(world.now);
    assert!(matches!(poll(&mut world), Action::Start(_)));
}

#[test]
fn waits_for_the_checks_of_its_own_nodes() {
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    world.now = world.now + SECOND;
    let mut dispatch = world.dispatch(config());
    let mut poll = |world: &mut World| world.poll(&mut dispatch);
    assert!(matches!(poll(&mut world), Action::Refresh));
    world.fleet.discovered(world.now);
    assert!(matches!(poll(&mut world), Action::WaitUntil(_)));
    world.fleet.checked(world.ids[0], Check::Bad, world.now);
    assert!(matches!(poll(&mut world), Action::Start(_)));
}

#[test]
fn asks_a_node_that_becomes_ready_beside_a_trial_that_hangs() {
    let mut world = World::unchecked(&[Hangs, Answers(5 * MS)]);
    // Another request is trying the second node, so that this one tries the first.
    let _trial = world.picker().dormant[1].try_trial().unwrap();
    let mut dispatch = world.dispatch(config());
    assert!(matches!(world.poll(&mut dispatch), Action::Refresh));
    dispatch.handle(Event::Refreshed, world.now);
    let hanging = world.start(&mut dispatch);
    assert_eq!(hanging.node_id(), world.ids[0]);
    assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(_)));
    world.fleet.checked(world.ids[1], GOOD, world.now);
    assert_eq!(world.start(&mut dispatch).node_id(), world.ids[1]);
}

#[test]
fn begins_its_trials_with_any_of_the_nodes() {
    let mut firsts = std::collections::BTreeSet::new();
    let mut world = World::unchecked(&[Answers(5 * MS); 4]);
    for _ in 0..50 {
        let story = world.request(config());
        firsts.insert(story.calls[0]);
    }
    assert_eq!(firsts.len(), 4);
}

#[test]
fn tries_no_more_in_a_round_than_it_may_ask() {
    let bounded = DispatchConfig {
        max_iterations: NonZeroU32::new(2),
        ..config()
    };
    let mut world = World::unchecked(&[Fails(MS); 4]);
    let story = world.request(bounded);
    assert_eq!(story.result, Err(NoInvoice::Exhausted));
    assert_eq!(story.calls.len(), 2);
}
