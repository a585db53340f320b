use std::num::NonZeroU32;

use super::world::{
    GOOD, MS, SECOND,
    Script::{Answers, Fails, Hangs, Refuses},
    World, at_its_end, config, fail,
};
use crate::{
    balance::{Action, Check, DispatchConfig},
    ln::NoInvoice,
};

#[test]
fn spends_one_attempt_limit_on_a_node_that_hangs() {
    let mut world = World::new(&[Hangs, Answers(5 * MS)]);
    let story = world.request(config());
    assert_eq!(story.result, Ok(world.ids[1]));
    assert_eq!(story.took, 2 * SECOND + 5 * MS);
}

#[test]
fn divides_the_time_left_among_the_candidates_left() {
    let mut scripts = [Hangs; 10];
    scripts[0] = Fails(500 * MS);
    let mut world = World::new(&scripts);
    let story = world.request(config());
    assert_eq!(story.result, Err(NoInvoice::Deadline));
    assert_eq!(story.calls.len(), 10, "each had its half second");
    assert_eq!(story.took, 5 * SECOND);
}

#[test]
fn gives_each_attempt_a_tenth_of_a_second_and_none_more_than_the_deadline() {
    let mut world = World::new(&[Hangs; 100]);
    let story = world.request(config());
    assert_eq!(story.result, Err(NoInvoice::Deadline));
    assert_eq!((story.took, story.calls.len()), (5 * SECOND, 50));
}

#[test]
fn divides_the_time_among_those_that_a_round_may_ask() {
    let mut world = World::new(&[Hangs; 10]);
    let bounded = DispatchConfig {
        max_iterations: NonZeroU32::new(4),
        ..config()
    };
    let mut dispatch = world.dispatch(bounded);
    let limit = world.start(&mut dispatch).limit();
    assert_eq!(limit, world.now + 1_250 * MS);
}

/// A call may take all of the time that is left.
fn patient() -> DispatchConfig {
    DispatchConfig {
        attempt_limit: 5 * SECOND,
        ..config()
    }
}

#[test]
fn divides_its_time_among_those_whom_the_round_has_not_asked() {
    // Whatever the place of the one that was asked in the order of the three.
    for turns in 0..6 {
        let mut world = World::new(&[Refuses(MS); 3]);
        for _ in 0..turns {
            let mut dispatch = world.dispatch(config());
            drop(world.start(&mut dispatch));
        }
        for id in [world.ids[1], world.ids[2]] {
            world.fleet.checked(id, Check::Bad, world.now);
        }
        let dormant = world.picker().dormant.clone();
        let _trials: Vec<_> = dormant.iter().map(|node| node.try_trial()).collect();
        let mut dispatch = at_its_end(&mut world, patient());
        assert!(matches!(world.poll(&mut dispatch), Action::WaitUntil(_)));
        for id in [world.ids[1], world.ids[2]] {
            world.fleet.checked(id, GOOD, world.now);
        }
        for left in [2, 1] {
            let call = world.start(&mut dispatch);
            assert_eq!(call.limit(), world.now + 5 * SECOND / left, "{turns} turns");
            fail(&world, &mut dispatch, call);
        }
    }
}

#[test]
fn divides_no_time_for_the_node_that_is_probed_beside() {
    let mut world = World::new(&[Fails(MS), Answers(MS), Answers(MS)]);
    for _ in 0..9 {
        world.request(config());
    }
    assert_eq!(world.ready(), 2);
    world.now = world.now + SECOND;
    let mut dispatch = world.dispatch(patient());
    let probe = world.start(&mut dispatch);
    assert_eq!(probe.node_id(), world.ids[0]);
    for left in [2, 1] {
        let candidate = world.start(&mut dispatch);
        assert_eq!(candidate.limit(), world.now + 5 * SECOND / left);
        fail(&world, &mut dispatch, candidate);
    }
}

#[test]
fn hedges_a_slow_node_and_takes_the_first_good_answer() {
    let hedging = DispatchConfig {
        hedge_after: Some(50 * MS),
        ..config()
    };
    let mut world = World::new(&[Hangs, Answers(5 * MS)]);
    let story = world.request(hedging);
    assert_eq!(story.result, Ok(world.ids[1]));
    assert_eq!((story.took, story.calls.len()), (55 * MS, 2));
}

#[test]
fn sleeps_to_the_calls_limit_where_nobody_is_left_to_hedge_with() {
    let hedging = DispatchConfig {
        hedge_after: Some(50 * MS),
        ..config()
    };
    let mut world = World::new(&[Hangs]);
    let mut dispatch = world.dispatch(hedging);
    let limit = world.start(&mut dispatch).limit();
    let next = world.poll(&mut dispatch);
    assert!(
        matches!(next, Action::WaitUntil(until) if until == limit),
        "{next:?}"
    );
}

#[test]
fn keeps_half_of_its_time_for_what_comes_after_the_refresh() {
    let patient = DispatchConfig {
        attempt_limit: 4 * SECOND,
        ..config()
    };
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    let story = world.request(patient);
    assert_eq!(story.result, Ok(world.ids[0]));
    assert_eq!(story.took, patient.deadline / 2 + 5 * MS);
}
