use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    num::NonZeroU32,
};

use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    Millisatoshi,
    backend::Backend,
    balance::{
        Check, Fleet, NodeId, PartitionNumber,
        fixture::{self, backend, flush},
    },
};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What a scripted node does with a call.
#[derive(Debug, Clone, Copy)]
enum Script {
    Answers(Duration),
    Fails(Duration),
    Refuses(Duration),
    Hangs,
}

/// A fleet of scripted nodes in partition `a`, stepped in virtual time.
struct World {
    fleet: Fleet,
    ids: Vec<NodeId>,
    scripts: BTreeMap<NodeId, Script>,
    now: Moment,
    rng: StdRng,
    /// Told to the fleet when a refresh is over.
    heals: Vec<(NodeId, bool)>,
    calls: Vec<NodeId>,
    detached: usize,
    refreshes: usize,
}

/// How a request went.
#[derive(Debug)]
struct Story {
    result: Result<NodeId, NoInvoice>,
    took: Duration,
    calls: Vec<NodeId>,
}

fn config() -> DispatchConfig {
    DispatchConfig {
        deadline: 5 * SECOND,
        attempt_limit: 2 * SECOND,
        hedge_after: None,
        max_iterations: None,
        backoff: Backoff::Stop,
    }
}

fn retrying() -> DispatchConfig {
    DispatchConfig {
        backoff: Backoff::try_exponential(SECOND, 2.0, 0.0, 60 * SECOND).unwrap(),
        ..config()
    }
}

fn numbered(index: usize) -> Backend {
    backend(&format!("n{index}"), &["a"])
}

const GOOD: Check = Check::Good { inbound: None };

impl World {
    /// Healthy nodes of these scripts.
    fn new(scripts: &[Script]) -> Self {
        let mut world = Self::unchecked(scripts);
        for id in world.ids.clone() {
            world.fleet.checked(id, GOOD, Moment::ORIGIN);
        }
        world
    }

    /// Nodes of these scripts that nobody has checked.
    fn unchecked(scripts: &[Script]) -> Self {
        let mut fleet = Fleet::new(fixture::config(&["a"]));
        let backends = (0..scripts.len()).map(numbered).collect::<Vec<_>>();
        let started = fleet.update(backends, Moment::ORIGIN).started;
        let ids: Vec<_> = started.iter().map(|node| node.id).collect();
        Self {
            fleet,
            scripts: ids.iter().copied().zip(scripts.iter().copied()).collect(),
            ids,
            now: Moment::ORIGIN,
            rng: StdRng::seed_from_u64(1),
            heals: Vec::new(),
            calls: Vec::new(),
            detached: 0,
            refreshes: 0,
        }
    }

    /// A request of its own for any amount.
    fn dispatch(&self, config: DispatchConfig) -> Dispatch {
        let request = DispatchRequest {
            partition: PartitionNumber(0),
            amount: Millisatoshi::ZERO,
            key: None,
        };
        Dispatch::new(config, request, self.now)
    }

    /// What `dispatch` does next, with all that has changed published.
    fn poll(&mut self, dispatch: &mut Dispatch) -> Action {
        flush(&mut self.fleet, self.now);
        dispatch.poll(self.now, &self.fleet.view(), &mut self.rng)
    }

    fn start(&mut self, dispatch: &mut Dispatch) -> Call {
        match self.poll(dispatch) {
            Action::Start(call) => call,
            other => panic!("no call but {other:?}"),
        }
    }

    fn picker(&mut self) -> Arc<Picker> {
        flush(&mut self.fleet, self.now);
        fixture::picker(&self.fleet, "a")
    }

    /// Steps one request to its end.
    fn request(&mut self, config: DispatchConfig) -> Story {
        let started = self.now;
        let mut dispatch = self.dispatch(config);
        let mut under_way = BTreeMap::new();
        let mut due = BinaryHeap::new();
        self.calls.clear();
        for _ in 0..10_000 {
            match self.poll(&mut dispatch) {
                Action::Start(call) => {
                    self.calls.push(call.node_id());
                    if let Some((after, outcome)) = self.answer(call.node_id()) {
                        due.push(Reverse((self.now + after, call.attempt(), outcome)));
                    }
                    under_way.insert(call.attempt(), call);
                }
                Action::Cancel(attempt) => drop(under_way.remove(&attempt).unwrap()),
                Action::Detach(attempt) => {
                    let call = under_way.remove(&attempt).unwrap();
                    self.detached += 1;
                    self.finish_detached(&call);
                }
                Action::Report(report) => drop(self.fleet.reported(report, self.now)),
                Action::Refresh => self.refreshes += 1,
                Action::WaitUntil(until) => {
                    assert!(until > self.now, "a wait for what has passed");
                    if self.refreshes > 0 && !self.heals.is_empty() {
                        for (id, good) in std::mem::take(&mut self.heals) {
                            let check = if good { GOOD } else { Check::Bad };
                            self.fleet.checked(id, check, self.now);
                        }
                        dispatch.handle(Event::Refreshed, self.now);
                        continue;
                    }
                    let next = due.peek().map_or(until, |Reverse((at, ..))| until.min(*at));
                    self.now = next;
                    while let Some(Reverse((at, attempt, good))) = due.peek().copied() {
                        if at > self.now {
                            break;
                        }
                        due.pop();
                        if under_way.contains_key(&attempt) {
                            let outcome = OUTCOMES[good];
                            dispatch.handle(Event::Answer { attempt, outcome }, self.now);
                        }
                    }
                }
                Action::Done(result) => {
                    assert_eq!(dispatch.attempts() as usize, self.calls.len());
                    return Story {
                        result: result.map(|attempt| under_way[&attempt].node_id()),
                        took: self.now.since(started),
                        calls: self.calls.clone(),
                    };
                }
            }
        }
        panic!("the request never ends: {dispatch:?}");
    }

    /// When a node answers, and with which of [`OUTCOMES`].
    fn answer(&self, id: NodeId) -> Option<(Duration, usize)> {
        match self.scripts[&id] {
            Script::Answers(after) => Some((after, 0)),
            Script::Fails(after) => Some((after, 1)),
            Script::Refuses(after) => Some((after, 2)),
            Script::Hangs => None,
        }
    }

    fn finish_detached(&mut self, call: &Call) {
        let report = match self.answer(call.node_id()) {
            Some((_, outcome)) => call.verdict().of(OUTCOMES[outcome], self.now),
            None => call.verdict().late(self.now),
        };
        if let Some(report) = report {
            self.fleet.reported(report, self.now);
        }
    }

    fn ready(&mut self) -> usize {
        self.picker().ready().len()
    }
}

const OUTCOMES: [Outcome; 3] = [
    Outcome::Invoice,
    Outcome::Failed(Blame::Node),
    Outcome::Failed(Blame::Request),
];

use Script::{Answers, Fails, Hangs, Refuses};

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

#[test]
fn tries_the_others_before_it_gives_up() {
    let mut world = World::new(&[Fails(MS), Answers(5 * MS)]);
    world.fleet.checked(world.ids[1], Check::Bad, world.now);
    let story = world.request(config());
    assert_eq!(story.calls, world.ids);
    assert_eq!((story.result, story.took), (Ok(world.ids[1]), 6 * MS));
}
