use super::world::{
    MS, SECOND,
    Script::{Answers, Fails, Hangs},
    World, config, fail, numbered,
};
use crate::balance::{Action, Dispatch};

/// A fleet whose first `failing` nodes are put aside and due to be probed, beside one that is ready.
fn put_aside(failing: usize) -> World {
    let mut scripts = vec![Fails(MS); failing];
    scripts.push(Answers(MS));
    let mut world = World::new(&scripts);
    for _ in 0..12 {
        world.request(config());
    }
    assert_eq!((world.picker().ejected.len(), world.ready()), (failing, 1));
    world.scripts.insert(world.ids[failing], Hangs);
    world.now = world.now + SECOND;
    world
}

/// Takes a node out of discovery, and says what `dispatch` does before that is published.
fn next_without(world: &mut World, dispatch: &mut Dispatch, gone: usize) -> Action {
    let left = (0..world.ids.len()).filter(|index| *index != gone);
    world
        .fleet
        .update(left.map(numbered).collect::<Vec<_>>(), world.now);
    dispatch.poll(world.now, &world.fleet.view(), &mut world.rng)
}

#[test]
fn one_node_at_most_is_probed_beside_the_first_candidate() {
    let mut world = put_aside(2);
    let mut dispatch = world.dispatch(config());
    let probe = world.start(&mut dispatch);
    let candidate = world.start(&mut dispatch);
    assert!(probe.is_trial() && !candidate.is_trial());
    assert_eq!(candidate.node_id(), world.ids[2]);
    let next = world.poll(&mut dispatch);
    assert!(matches!(next, Action::WaitUntil(_)), "{next:?}");
}

#[test]
fn a_node_that_has_closed_is_not_probed() {
    let mut world = put_aside(1);
    world.picker();
    let mut dispatch = world.dispatch(config());
    match next_without(&mut world, &mut dispatch, 0) {
        Action::Start(call) => assert_eq!(call.node_id(), world.ids[1]),
        other => panic!("no call but {other:?}"),
    }
}

#[test]
fn the_refresh_runs_when_all_candidates_close_while_a_node_is_probed() {
    let mut world = put_aside(1);
    let mut dispatch = world.dispatch(config());
    let probe = world.start(&mut dispatch);
    assert!(probe.is_trial());
    fail(&world, &mut dispatch, probe);
    let mut next = next_without(&mut world, &mut dispatch, 1);
    while let Action::Report(_) = next {
        next = next_without(&mut world, &mut dispatch, 1);
    }
    assert!(matches!(next, Action::Refresh), "{next:?}");
}
