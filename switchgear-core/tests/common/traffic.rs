use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use switchgear_core::{
    Moment,
    balance::{
        Action, AttemptId, Call, Dispatch, DispatchConfig, DispatchRequest, Event, HealthChange,
        NodeId, Outcome, Report,
    },
    ln::{Blame, NoInvoice},
};

use super::World;

/// What a node does with a call: how long it takes, and how it ends. `None` for a node that hangs.
pub(crate) type Reply = Option<(Duration, Outcome)>;

/// A call that was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallRecord {
    pub(crate) at: Moment,
    pub(crate) node: NodeId,
}

/// A report that was taken, and what followed from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) at: Moment,
    pub(crate) report: Report,
    pub(crate) change: Option<HealthChange>,
    /// From when on the node may be probed, if it is ejected now.
    pub(crate) probe_at: Option<Moment>,
}

/// Requests on their way through a fleet, in virtual time, many at once.
pub(crate) struct Traffic<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) calls: Vec<CallRecord>,
    pub(crate) changes: Vec<Change>,
    pub(crate) results: Vec<Result<(), NoInvoice>>,
    config: DispatchConfig,
    requests: BTreeMap<u64, Request>,
    detached: BTreeMap<(u64, AttemptId), Call>,
    events: BinaryHeap<Reverse<(Moment, u64, Due)>>,
    sequence: u64,
}

struct Request {
    dispatch: Dispatch,
    calls: BTreeMap<AttemptId, Call>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Answer {
        request: u64,
        attempt: AttemptId,
        ending: Ending,
    },
    Wake(u64),
    Publish,
}

/// [`Outcome`] in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Invoice,
    NodeFailed,
    RequestFailed,
}

impl<'a> Traffic<'a> {
    pub(crate) fn new(world: &'a mut World, config: DispatchConfig) -> Self {
        Self {
            world,
            calls: Vec::new(),
            changes: Vec::new(),
            results: Vec::new(),
            config,
            requests: BTreeMap::new(),
            detached: BTreeMap::new(),
            events: BinaryHeap::new(),
            sequence: 0,
        }
    }

    /// Takes up a request now.
    pub(crate) fn arrive(
        &mut self,
        request: DispatchRequest,
        nodes: &mut impl FnMut(NodeId, Moment) -> Reply,
    ) {
        let number = self.next_number();
        let dispatch = Dispatch::new(self.config, request, self.world.now);
        let request = Request {
            dispatch,
            calls: BTreeMap::new(),
        };
        self.requests.insert(number, request);
        self.step(number, nodes);
    }

    /// Lets time pass until `end`, with all that happens meanwhile.
    pub(crate) fn run_until(
        &mut self,
        end: Moment,
        nodes: &mut impl FnMut(NodeId, Moment) -> Reply,
    ) {
        while let Some(Reverse((at, _, due))) = self.events.peek().copied()
            && at <= end
        {
            self.events.pop();
            self.world.now = at;
            self.happen(due, nodes);
        }
        self.world.now = end;
    }

    /// Lets time pass until every request has its answer.
    pub(crate) fn run_out(&mut self, nodes: &mut impl FnMut(NodeId, Moment) -> Reply) {
        while !self.requests.is_empty() {
            let Reverse((at, ..)) = *self.events.peek().expect("a request waits for something");
            self.run_until(at, nodes);
        }
    }

    fn happen(&mut self, due: Due, nodes: &mut impl FnMut(NodeId, Moment) -> Reply) {
        match due {
            Due::Answer {
                request,
                attempt,
                ending,
            } => {
                let outcome = ending.outcome();
                if let Some(call) = self.detached.remove(&(request, attempt)) {
                    let report = call.verdict().of(outcome, self.world.now);
                    report.into_iter().for_each(|report| self.report(report));
                } else if let Some(known) = self.requests.get_mut(&request)
                    && known.calls.remove(&attempt).is_some()
                {
                    let event = Event::Answer { attempt, outcome };
                    known.dispatch.handle(event, self.world.now);
                    self.step(request, nodes);
                }
            }
            Due::Wake(request) => self.step(request, nodes),
            Due::Publish => self.publish(),
        }
    }

    /// Does what a request wants done, until it waits.
    fn step(&mut self, number: u64, nodes: &mut impl FnMut(NodeId, Moment) -> Reply) {
        let Some(mut request) = self.requests.remove(&number) else {
            return;
        };
        loop {
            let now = self.world.now;
            let action = request
                .dispatch
                .poll(now, &self.world.view, &mut self.world.rng);
            match action {
                Action::Start(call) => {
                    let (attempt, node) = (call.attempt(), call.node_id());
                    self.calls.push(CallRecord { at: now, node });
                    if let Some((takes, outcome)) = nodes(node, now) {
                        let ending = Ending::of(outcome);
                        let answer = Due::Answer {
                            request: number,
                            attempt,
                            ending,
                        };
                        self.schedule(now + takes, answer);
                    }
                    request.calls.insert(attempt, call);
                }
                Action::Cancel(attempt) => {
                    request.calls.remove(&attempt);
                }
                Action::Detach(attempt) => {
                    let call = request.calls.remove(&attempt).unwrap();
                    self.detached.insert((number, attempt), call);
                }
                Action::Report(report) => self.report(report),
                Action::Refresh => request.dispatch.handle(Event::Refreshed, now),
                Action::WaitUntil(at) => {
                    self.schedule(at, Due::Wake(number));
                    break;
                }
                Action::Done(result) => {
                    self.results.push(result.map(|_| ()));
                    return;
                }
            }
        }
        self.requests.insert(number, request);
    }

    fn report(&mut self, report: Report) {
        let at = self.world.now;
        let change = self.world.fleet.reported(report, at);
        let ejection = self.world.fleet.ejection(report.node());
        self.changes.push(Change {
            at,
            report,
            change,
            probe_at: ejection.and_then(|ejection| ejection.probe_at()),
        });
        self.publish();
    }

    fn publish(&mut self) {
        if let Some(due) = self.world.fleet.publish(self.world.now) {
            self.schedule(due, Due::Publish);
        }
    }

    fn schedule(&mut self, at: Moment, due: Due) {
        let sequence = self.next_number();
        self.events.push(Reverse((at, sequence, due)));
    }

    fn next_number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

impl Ending {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Invoice => Self::Invoice,
            Outcome::Failed(Blame::Node) => Self::NodeFailed,
            Outcome::Failed(Blame::Request) => Self::RequestFailed,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Invoice => Outcome::Invoice,
            Self::NodeFailed => Outcome::Failed(Blame::Node),
            Self::RequestFailed => Outcome::Failed(Blame::Request),
        }
    }
}
