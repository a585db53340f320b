use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    num::NonZeroU32,
};

use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    backend::{Backend, Partitions},
    balance::{EjectionPolicy, Fleet, FleetConfig, HealthThresholds, NodeId},
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
        backoff: Backoff::Stop,
    }
}

fn retrying() -> DispatchConfig {
    DispatchConfig {
        backoff: Backoff::try_exponential(SECOND, 2.0, 0.0, 60 * SECOND).unwrap(),
        ..config()
    }
}

fn partition() -> Partition {
    Partition::try_new("a").unwrap()
}

fn backend(index: usize) -> Backend {
    serde_json::from_value(serde_json::json!({
        "address": {"url": format!("https://n{index}.example.com")},
        "partitions": ["a"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/m"},
            "ampInvoice": false
        }
    }))
    .unwrap()
}

impl World {
    /// Healthy nodes of these scripts.
    fn new(scripts: &[Script]) -> Self {
        let mut world = Self::unchecked(scripts);
        for id in world.ids.clone() {
            world.fleet.checked(id, true, Moment::ORIGIN);
        }
        world
    }

    /// Nodes of these scripts that nobody has checked.
    fn unchecked(scripts: &[Script]) -> Self {
        let thresholds = HealthThresholds::default();
        let mut fleet = Fleet::new(FleetConfig {
            partitions: [partition()].into(),
            thresholds,
            ejection: EjectionPolicy {
                failures: NonZeroU32::new(3).unwrap(),
                ..EjectionPolicy::from_thresholds(thresholds)
            },
            first_turn: 0,
        });
        let backends = (0..scripts.len()).map(backend).collect();
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

    /// Steps one request to its end.
    fn request(&mut self, config: DispatchConfig) -> Story {
        let started = self.now;
        let mut dispatch = Dispatch::new(config, partition(), started);
        let mut under_way = BTreeMap::new();
        let mut due = BinaryHeap::new();
        self.calls.clear();
        for _ in 0..10_000 {
            let view = self.fleet.view().load_full();
            match dispatch.poll(self.now, &view, &mut self.rng) {
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
                            self.fleet.checked(id, good, self.now);
                        }
                        dispatch.handle(Event::Refreshed);
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
                            dispatch.handle(Event::Answer { attempt, outcome });
                        }
                    }
                }
                Action::Done(result) => {
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
            Some((_, outcome)) => call.verdict().of(OUTCOMES[outcome]),
            None => call.verdict().late(),
        };
        if let Some(report) = report {
            self.fleet.reported(report, self.now);
        }
    }

    fn ready(&self) -> usize {
        self.fleet.view().load().readiness().partitions[0].ready
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
    let view = world.fleet.view().load_full();
    let node = view.partition(&partition()).unwrap().ready()[0].clone();
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
    assert_eq!(story.calls, world.ids);
    assert_eq!(world.ready(), 0, "its health is for the checks to say");
}

#[test]
fn does_not_wait_for_a_refresh_that_never_ends() {
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    let story = world.request(config());
    assert_eq!(story.result, Ok(world.ids[0]));
    assert_eq!(story.took, 2_500 * MS + 5 * MS);
}

#[test]
fn leaves_a_trial_to_the_request_that_has_it() {
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    let view = world.fleet.view().load_full();
    let partition = view.partition(&partition()).unwrap();
    let trial = partition.dormant[0].try_trial().unwrap();
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
    let mut dispatch = Dispatch::new(config(), partition(), world.now);
    let mut poll = |world: &mut World| {
        let view = world.fleet.view().load_full();
        dispatch.poll(world.now, &view, &mut world.rng)
    };
    assert!(matches!(poll(&mut world), Action::Refresh));
    assert!(matches!(poll(&mut world), Action::WaitUntil(_)));
    // An answer to a question from before may lack what was registered since.
    world.fleet.update(vec![backend(0)], world.now);
    world.fleet.discovered(Moment::ORIGIN);
    world.fleet.checked(world.ids[0], false, world.now);
    assert!(matches!(poll(&mut world), Action::WaitUntil(_)));
    world.fleet.discovered(world.now);
    assert!(matches!(poll(&mut world), Action::Start(_)));
}

#[test]
fn waits_for_the_checks_of_its_own_nodes() {
    let mut world = World::unchecked(&[Answers(5 * MS)]);
    world.now = world.now + SECOND;
    let mut dispatch = Dispatch::new(config(), partition(), world.now);
    let mut poll = |world: &mut World| {
        let view = world.fleet.view().load_full();
        dispatch.poll(world.now, &view, &mut world.rng)
    };
    assert!(matches!(poll(&mut world), Action::Refresh));
    world.fleet.discovered(world.now);
    assert!(matches!(poll(&mut world), Action::WaitUntil(_)));
    world.fleet.checked(world.ids[0], false, world.now);
    assert!(matches!(poll(&mut world), Action::Start(_)));
}

#[test]
fn asks_no_node_that_was_moved_to_another_partition_meanwhile() {
    let mut world = World::new(&[Fails(MS), Answers(MS), Answers(MS)]);
    let view = world.fleet.view().load_full();
    let mut dispatch = Dispatch::new(config(), partition(), world.now);
    let Action::Start(call) = dispatch.poll(world.now, &view, &mut world.rng) else {
        panic!("no call");
    };
    let mut moved = backend(1);
    moved.partitions = Partitions::try_new([Partition::try_new("b").unwrap()]).unwrap();
    let mut both = backend(2);
    both.partitions = Partitions::try_new([partition(), Partition::try_new("b").unwrap()]).unwrap();
    world.fleet.update(vec![backend(0), moved, both], world.now);
    dispatch.handle(Event::Answer {
        attempt: call.attempt(),
        outcome: Outcome::Failed(Blame::Node),
    });
    let view = world.fleet.view().load_full();
    let Action::Start(call) = dispatch.poll(world.now, &view, &mut world.rng) else {
        panic!("no call");
    };
    assert_eq!(call.node_id(), world.ids[2]);
}

#[test]
fn asks_a_node_that_becomes_ready_beside_a_trial_that_hangs() {
    let mut world = World::unchecked(&[Hangs, Answers(5 * MS)]);
    let view = world.fleet.view().load_full();
    let dormant = &view.partition(&partition()).unwrap().dormant;
    // Another request is trying the second node, so that this one tries the first.
    let _trial = dormant[1].try_trial().unwrap();
    let mut dispatch = Dispatch::new(config(), partition(), world.now);
    assert!(matches!(
        dispatch.poll(world.now, &view, &mut world.rng),
        Action::Refresh
    ));
    dispatch.handle(Event::Refreshed);
    let Action::Start(hanging) = dispatch.poll(world.now, &view, &mut world.rng) else {
        panic!("no trial");
    };
    assert_eq!(hanging.node_id(), world.ids[0]);
    assert!(matches!(
        dispatch.poll(world.now, &view, &mut world.rng),
        Action::WaitUntil(_)
    ));
    world.fleet.checked(world.ids[1], true, world.now);
    let view = world.fleet.view().load_full();
    let Action::Start(call) = dispatch.poll(world.now, &view, &mut world.rng) else {
        panic!("no call");
    };
    assert_eq!(call.node_id(), world.ids[1]);
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
    let view = world.fleet.view().load_full();
    world.fleet.update(vec![backend(1)], Moment::ORIGIN);
    // The request reads the view of before, as if the change came between.
    let mut dispatch = Dispatch::new(config(), partition(), world.now);
    let Action::Start(call) = dispatch.poll(world.now, &view, &mut world.rng) else {
        panic!("no call");
    };
    assert_eq!(call.node_id(), world.ids[1]);
}

#[test]
fn counts_calls_under_way_until_they_are_dropped() {
    let mut world = World::new(&[Hangs]);
    let view = world.fleet.view().load_full();
    let mut dispatch = Dispatch::new(config(), partition(), world.now);
    let Action::Start(call) = dispatch.poll(world.now, &view, &mut world.rng) else {
        panic!("no call");
    };
    let node = Arc::clone(call.node());
    assert_eq!(node.in_flight(), 1);
    drop(call);
    assert_eq!(node.in_flight(), 0);
}
