//! The life of one invoice request, without a clock or a runtime.
//!
//! ```text
//!            ┌──────────────────────── back-off ◀───────────────┐
//!            ▼                                                  │
//!   ┌─▶ next round ── candidates ──▶ asking ── all failed ──────┤
//!   │        │                          │                       │
//!   │        │ nobody                   │ an invoice            │ all failed
//!   │        ▼                          ▼                       │
//!   └── refreshing ── still nobody ──▶ trials ──▶ done     (also at the deadline)
//! ```
//!
//! - *Asking*: the round's candidates one after the other, each for its share of the time left; a
//!   failure goes on at once. With a hedge, the next is asked beside one that is slow. An ejected node
//!   whose probe is due is asked beside the first candidate.
//! - *Refreshing*: nobody is ready, so discovery and checks run now, shared by all who wait.
//! - *Trials*: nodes that are unhealthy or unknown, each asked by one request at a time.

mod asking;
mod call;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use rand_core::Rng;

pub use self::call::{AttemptId, Call, Verdict};
use self::{asking::Asking, call::InFlightCall};
use super::{Backoff, FleetView, Node, NodeId, PartitionView, Report, node::Trial};
use crate::{
    Moment, Partition,
    ln::{Blame, NoInvoice},
};

/// The bounds of every request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DispatchConfig {
    /// From the request to its answer, whatever happens.
    pub deadline: Duration,
    /// The longest that one node may take; less when more candidates are left than time.
    pub attempt_limit: Duration,
    /// With no answer for so long, the next candidate is asked beside the first.
    pub hedge_after: Option<Duration>,
    /// Whether and when there is another round.
    pub backoff: Backoff,
}

/// What the driver of a [`Dispatch`] does next.
#[derive(Debug)]
pub enum Action {
    /// Ask this node, and tell its answer by [`Event::Answer`].
    Start(Call),
    /// Drop this call; its answer is no longer wanted.
    Cancel(AttemptId),
    /// Let this call go on by itself until its limit, and report its [`Verdict`].
    Detach(AttemptId),
    /// Tell the fleet's owner.
    Report(Report),
    /// Let the shared refresh of discovery and checks run, and tell its end by [`Event::Refreshed`].
    Refresh,
    /// Nothing to do before this moment, or before an event or a new view comes.
    WaitUntil(Moment),
    /// The end: the attempt whose invoice it is, or why there is none.
    Done(Result<AttemptId, NoInvoice>),
}

/// What happened to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A call ended.
    Answer {
        /// Which.
        attempt: AttemptId,
        /// How.
        outcome: Outcome,
    },
    /// The shared refresh is over.
    Refreshed,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With an invoice that was verified.
    Invoice,
    /// Without one, by this one's fault.
    Failed(Blame),
}

/// A request on its way through the fleet, stepped by whoever drives it.
///
/// [`Self::poll`] says what to do next until it says to wait; then the driver waits for that moment,
/// for a call's answer, or for a new view of the fleet, tells it by [`Self::handle`] where it is an
/// event, and polls again.
#[derive(Debug)]
pub struct Dispatch {
    config: DispatchConfig,
    partition: Partition,
    deadline: Moment,
    phase: Phase,
    rounds: u32,
    attempts: u32,
    /// Whom this round has asked.
    asked: Vec<NodeId>,
    in_flight: Vec<InFlightCall>,
    queue: VecDeque<Action>,
}

#[derive(Debug)]
enum Phase {
    NextRound,
    Asking(Asking),
    Refreshing(Refreshing),
    Trials,
    BackOff { until: Moment, for_anyone: bool },
    Done,
}

/// Waiting for the shared refresh.
#[derive(Debug, Clone, Copy)]
struct Refreshing {
    since: Moment,
    until: Moment,
    over: bool,
}

impl Dispatch {
    /// An attempt is never given less than this.
    pub const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);

    /// A node that was given less than this (and less than the configured limit) is not to blame for
    /// being late: there were more candidates than time.
    pub const FAIR_ATTEMPT: Duration = Duration::from_secs(1);

    /// How soon to look whether another request's trial is over, where no view tells it first.
    const LOOK_AGAIN: Duration = Duration::from_millis(50);

    /// Takes up a request for `partition` at `now`.
    pub fn new(config: DispatchConfig, partition: Partition, now: Moment) -> Self {
        Self {
            deadline: now + config.deadline,
            config,
            partition,
            phase: Phase::NextRound,
            rounds: 0,
            attempts: 0,
            asked: Vec::new(),
            in_flight: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// How many calls were started so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What to do next. `view` is the fleet as it is now.
    pub fn poll<R: Rng + ?Sized>(&mut self, now: Moment, view: &FleetView, rng: &mut R) -> Action {
        loop {
            if let Some(action) = self.queue.pop_front() {
                return action;
            }
            self.expire(now);
            if now >= self.deadline && !matches!(self.phase, Phase::Done) {
                self.finish(Err(NoInvoice::Deadline));
            } else if let Some(wait) = self.step(now, view, rng) {
                return Action::WaitUntil(wait);
            }
        }
    }

    /// Takes an event.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Answer { attempt, outcome } => self.answer(attempt, outcome),
            Event::Refreshed => {
                if let Phase::Refreshing(refreshing) = &mut self.phase {
                    refreshing.over = true;
                }
            }
        }
    }

    /// One step of the phase at hand: a moment to wait for, or `None` when there is more to do now.
    fn step<R: Rng + ?Sized>(
        &mut self,
        now: Moment,
        view: &FleetView,
        rng: &mut R,
    ) -> Option<Moment> {
        if !self.queue.is_empty() {
            return None;
        }
        let partition = view.partition(&self.partition);
        let someone = partition.filter(|partition| partition.has_candidate_besides(&self.asked));
        match self.phase {
            Phase::NextRound => self.next_round(now, partition),
            Phase::Asking(_) => return self.ask(now, partition, rng),
            Phase::Refreshing(refreshing) => match someone {
                Some(partition) => self.ask_all(partition),
                None if refreshing.is_over(now, view, partition) => self.phase = Phase::Trials,
                None => return Some(refreshing.until),
            },
            Phase::Trials => match someone {
                // The trial under way goes on beside.
                Some(partition) => self.ask_all(partition),
                None => return self.try_dormant(now, partition, rng),
            },
            Phase::BackOff { until, for_anyone } => {
                let ready = partition.is_some_and(|partition| !partition.ready().is_empty());
                if now < until && !(for_anyone && ready) {
                    return Some(until);
                }
                self.phase = Phase::NextRound;
            }
            Phase::Done => return Some(self.deadline),
        }
        None
    }

    fn next_round(&mut self, now: Moment, partition: Option<&Arc<PartitionView>>) {
        self.asked.clear();
        match partition.filter(|partition| partition.has_candidate_besides(&[])) {
            Some(partition) => self.ask_all(partition),
            None => self.refresh(now),
        }
    }

    fn ask_all(&mut self, partition: &Arc<PartitionView>) {
        self.phase = Phase::Asking(Asking::new(partition));
    }

    /// Waits for the shared refresh, but keeps half of the time left for what comes after.
    fn refresh(&mut self, now: Moment) {
        self.queue.push_back(Action::Refresh);
        self.phase = Phase::Refreshing(Refreshing {
            since: now,
            until: now + self.deadline.since(now) / 2,
            over: false,
        });
    }

    fn ask<R: Rng + ?Sized>(
        &mut self,
        now: Moment,
        partition: Option<&Arc<PartitionView>>,
        rng: &mut R,
    ) -> Option<Moment> {
        let Phase::Asking(asking) = &mut self.phase else {
            return None;
        };
        if let Some((node, trial)) = asking.take_probe(now) {
            self.start(now, node, 1, Some(trial));
            return None;
        }
        // A trial under way is no reason to wait: it may well fail.
        let waiting = self.in_flight.iter().any(|call| !call.verdict.on_trial());
        let hedge_at = asking.hedge_at(self.config.hedge_after);
        if waiting && hedge_at.is_none_or(|at| now < at) {
            return Some(self.next_wake(hedge_at));
        }
        if let Some((node, left)) = asking.next(now, partition, &self.asked) {
            self.start(now, node, left, None);
            return None;
        }
        if !self.in_flight.is_empty() {
            return Some(self.next_wake(None));
        }
        if asking.none_was_ready() {
            self.refresh(now);
        } else {
            self.rest(now, rng, false);
        }
        None
    }

    /// Asks the nodes that are not ready, one after the other, leaving those to other requests that
    /// these are trying.
    fn try_dormant<R: Rng + ?Sized>(
        &mut self,
        now: Moment,
        partition: Option<&Arc<PartitionView>>,
        rng: &mut R,
    ) -> Option<Moment> {
        if !self.in_flight.is_empty() {
            return Some(self.next_wake(None));
        }
        let nodes = partition.map_or(&[][..], |partition| &partition.dormant);
        let left = || {
            nodes
                .iter()
                .filter(|node| node.is_open() && !self.asked.contains(&node.id()))
        };
        let found = left().find_map(|node| Some((Arc::clone(node), node.try_trial()?)));
        let left = left().count();
        if let Some((node, trial)) = found {
            self.start(now, node, left, Some(trial));
            return None;
        }
        if left > 0 {
            return Some((now + Self::LOOK_AGAIN).min(self.deadline));
        }
        self.rest(now, rng, true);
        None
    }

    /// The round is over without an invoice: waits for the next one, where there is time for one.
    fn rest<R: Rng + ?Sized>(&mut self, now: Moment, rng: &mut R, for_anyone: bool) {
        self.rounds = self.rounds.saturating_add(1);
        let until = self
            .config
            .backoff
            .delay(self.rounds, rng)
            .map(|delay| now + delay);
        match until.filter(|until| *until < self.deadline) {
            Some(until) => self.phase = Phase::BackOff { until, for_anyone },
            None if self.attempts == 0 => self.finish(Err(NoInvoice::NoNode)),
            None => self.finish(Err(NoInvoice::Exhausted)),
        }
    }

    /// Starts a call whose limit is its share of the time left among `left` candidates, within bounds.
    fn start(&mut self, now: Moment, node: Arc<Node>, left: usize, trial: Option<Trial>) {
        let share = self.deadline.since(now) / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
        let limit = share
            .max(Self::SHORTEST_ATTEMPT)
            .min(self.config.attempt_limit);
        let attempt = AttemptId(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        self.asked.push(node.id());
        let fair = limit >= self.config.attempt_limit.min(Self::FAIR_ATTEMPT);
        let verdict = Verdict::new(&node, trial.is_some(), fair);
        let limit = (now + limit).min(self.deadline);
        self.in_flight.push(InFlightCall {
            attempt,
            limit,
            verdict: verdict.clone(),
        });
        self.queue.push_back(Action::Start(Call::new(
            attempt, node, limit, trial, verdict,
        )));
    }

    /// Gives up the calls whose limit has passed.
    fn expire(&mut self, now: Moment) {
        while let Some(index) = self.in_flight.iter().position(|call| now >= call.limit) {
            let call = self.in_flight.swap_remove(index);
            self.queue.push_back(Action::Cancel(call.attempt));
            self.queue.extend(call.verdict.late().map(Action::Report));
        }
    }

    fn answer(&mut self, attempt: AttemptId, outcome: Outcome) {
        let position = self
            .in_flight
            .iter()
            .position(|call| call.attempt == attempt);
        let Some(index) = position else {
            return; // It came after its limit, and was counted then.
        };
        let call = self.in_flight.swap_remove(index);
        self.queue
            .extend(call.verdict.of(outcome).map(Action::Report));
        if outcome == Outcome::Invoice {
            self.finish(Ok(attempt));
        }
    }

    /// Ends the request. Calls whose verdict somebody waits for go on alone: a trial, which may take its
    /// node back, and a call that a hedge overtook, which else would never count against a node that
    /// hangs.
    fn finish(&mut self, result: Result<AttemptId, NoInvoice>) {
        let overtaken = result.is_ok() && self.config.hedge_after.is_some();
        let calls = self.in_flight.drain(..);
        self.queue.extend(calls.map(|call| {
            if overtaken || call.verdict.on_trial() {
                Action::Detach(call.attempt)
            } else {
                Action::Cancel(call.attempt)
            }
        }));
        self.queue.push_back(Action::Done(result));
        self.phase = Phase::Done;
    }

    fn next_wake(&self, hedge_at: Option<Moment>) -> Moment {
        self.in_flight
            .iter()
            .map(|call| call.limit)
            .chain(hedge_at)
            .fold(self.deadline, Moment::min)
    }
}

impl Refreshing {
    /// Whether discovery and all nodes of the partition that are not ready have been asked since; or the
    /// whole refresh is over; or there is no more time for it.
    fn is_over(
        &self,
        now: Moment,
        view: &FleetView,
        partition: Option<&Arc<PartitionView>>,
    ) -> bool {
        let nodes = partition.map_or(&[][..], |partition| &partition.dormant);
        let asked = view.is_discovered_since(self.since)
            && nodes.iter().all(|node| node.is_checked_since(self.since));
        self.over || asked || now >= self.until
    }
}

#[cfg(test)]
mod tests;
