use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::world::{
    GOOD, MS, SECOND,
    Script::{Answers, Fails, Hangs, Refuses},
    World, config, fail, numbered, retrying,
};
use crate::{
    Moment,
    balance::{
        Action, Check, DispatchConfig, Event, Outcome,
        fixture::{backend, flush},
    },
    ln::{Blame, NoInvoice},
};

#[test]
fn takes_turns_and_asks_once_when_all_is_well() {
    let mut world = World::new(&[Answers(5 * MS), Answers(5 * MS)]);
    for turn in 0..4 {
        let story = world.request(config());
        assert_eq!(story.result, Ok(world.ids[turn % 2]));
        assert_eq!((story.took, story.calls.len()), (5 * MS, 1));
    }
}

#[test]
fn goes_on_at_once_when_a_node_fails() {
    for fails in [Fails(MS), Refuses(MS)] {
        let mut world = World::new(&[fails, Answers(5 * MS)]);
        let story = world.request(config());
        assert_eq!(story.result, Ok(world.ids[1]));
        assert_eq!(story.calls, world.ids);
        assert_eq!(story.took, 6 * MS);
    }
}

#[test]
fn asks_no_node_twice_in_a_round_and_stops_after_one() {
    let mut world = World::new(&[Fails(MS); 5]);
    let story = world.request(config());
    assert_eq!(story.result, Err(NoInvoice::Exhausted));
    let mut calls = story.calls;
    calls.sort_unstable();
    assert_eq!(calls, world.ids);
    assert_eq!(story.took, 5 * MS);
}

#[test]
fn waits_between_rounds_and_not_for_a_round_that_cannot_be() {
    let mut world = World::new(&[Refuses(MS); 2]);
    let story = world.request(retrying());
    assert_eq!(story.result, Err(NoInvoice::Exhausted));
    // Rounds at 0 s, about 1 s and about 3 s; a fourth would begin at about 7 s.
    assert_eq!(story.calls.len(), 6);
    assert_eq!(story.took, 3 * SECOND + 6 * MS);

    // One that would begin with the deadline itself.
    let brief = DispatchConfig {
        deadline: SECOND,
        ..retrying()
    };
    let mut world = World::new(&[Refuses(Duration::ZERO)]);
    let story = world.request(brief);
    assert_eq!(story.result, Err(NoInvoice::Exhausted));
    assert_eq!(story.took, Duration::ZERO);
}

#[test]
fn asks_no_more_in_a_round_than_it_may() {
    let mut world = World::new(&[Fails(MS); 5]);
    for (max_iterations, calls) in [(1, 1), (3, 3), (9, 5)] {
        let bounded = DispatchConfig {
            max_iterations: NonZeroU32::new(max_iterations),
            ..config()
        };
        let story = world.request(bounded);
        assert_eq!(story.result, Err(NoInvoice::Exhausted));
        assert_eq!(story.calls.len(), calls);
    }
}

#[test]
fn counts_its_rounds() {
    let mut world = World::new(&[Refuses(MS)]);
    let mut dispatch = world.dispatch(retrying());
    assert_eq!(dispatch.rounds(), 0);
    for round in 1..=3 {
        let call = world.start(&mut dispatch);
        assert_eq!(dispatch.rounds(), round);
        fail(&world, &mut dispatch, call);
        match world.poll(&mut dispatch) {
            Action::WaitUntil(until) => world.now = until,
            other => assert!(round == 3 && matches!(other, Action::Done(_)), "{other:?}"),
        }
    }
}

#[test]
fn asks_no_node_that_was_moved_to_another_partition_meanwhile() {
    let mut world = World::new(&[Fails(MS), Answers(MS), Answers(MS)]);
    let mut dispatch = world.dispatch(config());
    let call = world.start(&mut dispatch);
    let asked = world
        .ids
        .iter()
        .position(|id| *id == call.node_id())
        .unwrap();
    let (moved, stays) = ((asked + 1) % 3, (asked + 2) % 3);
    let partitions = |index| {
        if index == moved {
            &["b"][..]
        } else {
            &["a", "b"]
        }
    };
    let named = |index| backend(&format!("n{index}"), partitions(index));
    world
        .fleet
        .update((0..3).map(named).collect::<Vec<_>>(), world.now);
    let event = Event::Answer {
        attempt: call.attempt(),
        outcome: Outcome::Failed(Blame::Node),
    };
    dispatch.handle(event, world.now);
    assert_eq!(world.start(&mut dispatch).node_id(), world.ids[stays]);
}

#[test]
fn asks_no_node_that_was_closed_meanwhile() {
    let mut world = World::new(&[Answers(MS), Answers(MS), Answers(MS)]);
    flush(&mut world.fleet, world.now);
    // The change is not published yet.
    world.fleet.update(vec![numbered(1)], Moment::ORIGIN);
    let mut dispatch = world.dispatch(config());
    let view = world.fleet.view();
    let Action::Start(call) = dispatch.poll(world.now, &view, &mut world.rng) else {
        panic!("no call");
    };
    assert_eq!(call.node_id(), world.ids[1]);
}

#[test]
fn counts_calls_under_way_until_they_are_dropped() {
    let mut world = World::new(&[Hangs]);
    let mut dispatch = world.dispatch(config());
    let call = world.start(&mut dispatch);
    let node = Arc::clone(call.node());
    assert_eq!(node.in_flight(), 1);
    drop(call);
    assert_eq!(node.in_flight(), 0);
}

#[test]
fn asks_who_came_meanwhile_when_its_candidates_left_before_their_turn() {
    let mut world = World::new(&[Fails(MS), Answers(5 * MS)]);
    for _ in 0..6 {
        world.request(config());
    }
    world.now = world.now + SECOND;
    let mut dispatch = world.dispatch(config());
    let probe = world.start(&mut dispatch);
    assert_eq!(probe.node_id(), world.ids[0]);
    // The candidate goes, and another comes, before the candidate is asked.
    let listed = vec![numbered(0), numbered(2)];
    let came = world.fleet.update(listed, world.now).started[0].id;
    world.fleet.checked(came, GOOD, world.now);
    let Action::WaitUntil(_) = world.poll(&mut dispatch) else {
        panic!("the probe is under way");
    };
    let event = Event::Answer {
        attempt: probe.attempt(),
        outcome: Outcome::Failed(Blame::Node),
    };
    dispatch.handle(event, world.now);
    let Action::Report(_) = world.poll(&mut dispatch) else {
        panic!("the probe's failure is told");
    };
    assert_eq!(world.start(&mut dispatch).node_id(), came);
}

#[test]
fn ends_its_back_off_for_a_node_that_becomes_ready() {
    let mut world = World::unchecked(&[Refuses(MS)]);
    let mut dispatch = world.dispatch(retrying());
    assert!(matches!(world.poll(&mut dispatch), Action::Refresh));
    dispatch.handle(Event::Refreshed, world.now);
    let event = Event::Answer {
        attempt: world.start(&mut dispatch).attempt(),
        outcome: Outcome::Failed(Blame::Node),
    };
    dispatch.handle(event, world.now);
    assert!(matches!(world.poll(&mut dispatch), Action::Report(_)));
    let rest = world.now + SECOND;
    assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(until) if until == rest));
    world.now = world.now + 10 * MS;
    assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(until) if until == rest));
    world.fleet.checked(world.ids[0], GOOD, world.now);
    assert_eq!(world.start(&mut dispatch).node_id(), world.ids[0]);
}

#[test]
fn tries_others_while_it_waits_for_its_next_round() {
    let mut world = World::new(&[Fails(MS), Fails(MS), Answers(5 * MS)]);
    for id in [world.ids[1], world.ids[2]] {
        world.fleet.checked(id, Check::Bad, world.now);
    }
    assert_eq!(world.ready(), 1);
    let story = world.request(retrying());
    assert_eq!(story.calls[0], world.ids[0]);
    assert_eq!(story.result, Ok(world.ids[2]));
    assert!(story.took <= 7 * MS, "{:?}", story.took);
    assert_eq!(world.ready(), 1, "its health is for the checks to say");
}

#[test]
fn begins_its_next_round_in_time_whatever_it_tries_meanwhile() {
    let mut world = World::new(&[Fails(MS), Hangs]);
    world.fleet.checked(world.ids[1], Check::Bad, world.now);
    let mut dispatch = world.dispatch(retrying());
    for (node, round) in [(0, false), (1, false), (0, true)] {
        if round {
            let rest = world.now + SECOND;
            assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(until) if until == rest));
            world.now = rest;
        }
        let call = world.start(&mut dispatch);
        assert_eq!(call.node_id(), world.ids[node]);
        if node == 0 {
            let event = Event::Answer {
                attempt: call.attempt(),
                outcome: Outcome::Failed(Blame::Request),
            };
            dispatch.handle(event, world.now);
        } else {
            std::mem::forget(call);
        }
    }
}
