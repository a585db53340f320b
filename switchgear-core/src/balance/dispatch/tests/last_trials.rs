use std::num::NonZeroU32;

use super::world::{
    GOOD, MS, SECOND,
    Script::{Answers, Fails, Hangs},
    World, at_its_end, config, fail,
};
use crate::{
    balance::{Action, Check, DispatchConfig},
    ln::NoInvoice,
};

/// A ready node and an unhealthy one.
fn one_ready() -> World {
    let mut world = World::new(&[Fails(MS), Answers(5 * MS)]);
    world.fleet.checked(world.ids[1], Check::Bad, world.now);
    world
}

#[test]
fn tries_the_others_before_it_gives_up() {
    let mut world = World::new(&[Fails(MS), Answers(5 * MS)]);
    world.fleet.checked(world.ids[1], Check::Bad, world.now);
    let story = world.request(config());
    assert_eq!(story.calls, world.ids);
    assert_eq!((story.result, story.took), (Ok(world.ids[1]), 6 * MS));
}

#[test]
fn waits_for_the_trial_of_another_before_it_gives_up() {
    let mut world = one_ready();
    let trial = world.picker().dormant[0].try_trial().unwrap();
    let mut dispatch = at_its_end(&mut world, config());
    let soon = world.now + 50 * MS;
    assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(until) if until == soon));
    drop(trial);
    world.now = soon;
    let call = world.start(&mut dispatch);
    assert_eq!((call.node_id(), call.is_trial()), (world.ids[1], true));
    fail(&world, &mut dispatch, call);
    assert!(matches!(world.poll(&mut dispatch), Action::Report(_)));
    let Action::Done(result) = world.poll(&mut dispatch) else {
        panic!("nobody is left");
    };
    assert_eq!(result, Err(NoInvoice::Exhausted));
    assert_eq!((dispatch.attempts(), dispatch.rounds()), (2, 1));
}

#[test]
fn waits_for_the_trial_of_another_until_its_deadline() {
    let mut world = one_ready();
    let _trial = world.picker().dormant[0].try_trial().unwrap();
    let story = world.request(config());
    assert_eq!(story.result, Err(NoInvoice::Deadline));
    assert_eq!((story.calls, story.took), (vec![world.ids[0]], 5 * SECOND));
}

#[test]
fn waits_for_no_trial_of_a_node_that_it_has_tried_itself() {
    let mut world = one_ready();
    let mut dispatch = at_its_end(&mut world, config());
    let call = world.start(&mut dispatch);
    assert_eq!(call.node_id(), world.ids[1]);
    fail(&world, &mut dispatch, call);
    assert!(matches!(world.poll(&mut dispatch), Action::Report(_)));
    let _trial = world.picker().dormant[0].try_trial().unwrap();
    let Action::Done(result) = world.poll(&mut dispatch) else {
        panic!("what comes of this trial is of no use to it");
    };
    assert_eq!(result, Err(NoInvoice::Exhausted));
}

#[test]
fn asks_a_node_that_becomes_ready_before_it_gives_up() {
    let mut world = one_ready();
    let _trial = world.picker().dormant[0].try_trial().unwrap();
    let mut dispatch = at_its_end(&mut world, config());
    assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(_)));
    world.fleet.checked(world.ids[1], GOOD, world.now);
    let call = world.start(&mut dispatch);
    assert_eq!((call.node_id(), call.is_trial()), (world.ids[1], false));
    fail(&world, &mut dispatch, call);
    let Action::Done(result) = world.poll(&mut dispatch) else {
        panic!("each was asked once");
    };
    assert_eq!(result, Err(NoInvoice::Exhausted));
    assert_eq!((dispatch.attempts(), dispatch.rounds()), (2, 1));
}

#[test]
fn looks_for_a_node_that_becomes_ready_beside_its_last_trial() {
    let mut world = World::new(&[Fails(MS), Hangs, Answers(5 * MS)]);
    for id in [world.ids[1], world.ids[2]] {
        world.fleet.checked(id, Check::Bad, world.now);
    }
    let _trial = world.picker().dormant[1].try_trial().unwrap();
    let mut dispatch = at_its_end(&mut world, config());
    let hanging = world.start(&mut dispatch);
    assert_eq!(hanging.node_id(), world.ids[1]);
    let soon = world.now + 50 * MS;
    assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(until) if until == soon));
    world.fleet.checked(world.ids[2], GOOD, world.now);
    world.now = soon;
    assert_eq!(world.start(&mut dispatch).node_id(), world.ids[2]);
}

#[test]
fn asks_no_more_than_a_round_may_of_those_who_become_ready() {
    let bounded = DispatchConfig {
        max_iterations: NonZeroU32::new(1),
        ..config()
    };
    let mut world = one_ready();
    let mut dispatch = at_its_end(&mut world, bounded);
    world.fleet.checked(world.ids[1], GOOD, world.now);
    let Action::Done(result) = world.poll(&mut dispatch) else {
        panic!("the round has asked as many as it may");
    };
    assert_eq!(result, Err(NoInvoice::Exhausted));
}
