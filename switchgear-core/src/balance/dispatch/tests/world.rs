use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
    time::Duration,
};

use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    Millisatoshi, Moment,
    backend::Backend,
    balance::{
        Action, Backoff, Call, Check, Dispatch, DispatchConfig, DispatchRequest, Event, Fleet,
        NodeId, Outcome, PartitionNumber, Picker,
        fixture::{self, backend, flush},
    },
    ln::{Blame, NoInvoice},
};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// What a scripted node does with a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    Answers(Duration),
    Fails(Duration),
    Refuses(Duration),
    Hangs,
}

/// A fleet of scripted nodes in partition `a`, stepped in virtual time.
pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) ids: Vec<NodeId>,
    pub(super) scripts: BTreeMap<NodeId, Script>,
    pub(super) now: Moment,
    pub(super) rng: StdRng,
    /// Told to the fleet when a refresh is over.
    pub(super) heals: Vec<(NodeId, bool)>,
    pub(super) calls: Vec<NodeId>,
    pub(super) detached: usize,
    pub(super) refreshes: usize,
}

/// How a request went.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) result: Result<NodeId, NoInvoice>,
    pub(super) took: Duration,
    pub(super) calls: Vec<NodeId>,
}

pub(super) fn config() -> DispatchConfig {
    DispatchConfig {
        deadline: 5 * SECOND,
        attempt_limit: 2 * SECOND,
        hedge_after: None,
        max_iterations: None,
        backoff: Backoff::Stop,
    }
}

pub(super) fn retrying() -> DispatchConfig {
    DispatchConfig {
        backoff: Backoff::try_exponential(SECOND, 2.0, 0.0, 60 * SECOND).unwrap(),
        ..config()
    }
}

pub(super) fn numbered(index: usize) -> Backend {
    backend(&format!("n{index}"), &["a"])
}

pub(super) const GOOD: Check = Check::Good { inbound: None };

impl World {
    /// Healthy nodes of these scripts.
    pub(super) fn new(scripts: &[Script]) -> Self {
        let mut world = Self::unchecked(scripts);
        for id in world.ids.clone() {
            world.fleet.checked(id, GOOD, Moment::ORIGIN);
        }
        world
    }

    /// Nodes of these scripts that nobody has checked.
    pub(super) fn unchecked(scripts: &[Script]) -> Self {
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
    pub(super) fn dispatch(&self, config: DispatchConfig) -> Dispatch {
        let request = DispatchRequest {
            partition: PartitionNumber(0),
            amount: Millisatoshi::ZERO,
            key: None,
        };
        Dispatch::new(config, request, self.now)
    }

    /// What `dispatch` does next, with all that has changed published.
    pub(super) fn poll(&mut self, dispatch: &mut Dispatch) -> Action {
        flush(&mut self.fleet, self.now);
        dispatch.poll(self.now, &self.fleet.view(), &mut self.rng)
    }

    pub(super) fn start(&mut self, dispatch: &mut Dispatch) -> Call {
        match self.poll(dispatch) {
            Action::Start(call) => call,
            other => panic!("no call but {other:?}"),
        }
    }

    pub(super) fn picker(&mut self) -> Arc<Picker> {
        flush(&mut self.fleet, self.now);
        fixture::picker(&self.fleet, "a")
    }

    /// Steps one request to its end.
    pub(super) fn request(&mut self, config: DispatchConfig) -> Story {
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

    pub(super) fn ready(&mut self) -> usize {
        self.picker().ready().len()
    }
}

const OUTCOMES: [Outcome; 3] = [
    Outcome::Invoice,
    Outcome::Failed(Blame::Node),
    Outcome::Failed(Blame::Request),
];

/// A request that the one ready node has just failed.
pub(super) fn at_its_end(world: &mut World, config: DispatchConfig) -> Dispatch {
    let mut dispatch = world.dispatch(config);
    let call = world.start(&mut dispatch);
    assert_eq!(call.node_id(), world.ids[0]);
    fail(world, &mut dispatch, call);
    dispatch
}

pub(super) fn fail(world: &World, dispatch: &mut Dispatch, call: Call) {
    let event = Event::Answer {
        attempt: call.attempt(),
        outcome: Outcome::Failed(Blame::Request),
    };
    drop(call);
    dispatch.handle(event, world.now);
}
