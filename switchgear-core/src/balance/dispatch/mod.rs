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

mod call;
mod round;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use rand_core::Rng;

pub use self::call::{AttemptId, Call};
use self::{
    call::InFlightCall,
    round::{Asking, Trials},
};
use super::{Backoff, FleetView, Node, PartitionView, Report, node::Trial};
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
    /// Let this call go on by itself until its limit, and report what it says of the node.
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
    asked_ejected: bool,
    in_flight: Vec<InFlightCall>,
    queue: VecDeque<Action>,
}

#[derive(Debug)]
enum Phase {
    NextRound,
    Asking(Asking),
    Refreshing { until: Moment, over: bool },
    Trials(Trials),
    BackOff { until: Moment, for_anyone: bool },
    Done,
}

impl Dispatch {
    /// An attempt is never given less than this.
    pub const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);

    /// Takes up a request for `partition` at `now`.
    pub fn new(config: DispatchConfig, partition: Partition, now: Moment) -> Self {
        Self {
            deadline: now + config.deadline,
            config,
            partition,
            phase: Phase::NextRound,
            rounds: 0,
            attempts: 0,
            asked_ejected: false,
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
            if now >= self.deadline && !matches!(self.phase, Phase::Done) {
                self.finish(Err(NoInvoice::Deadline));
                continue;
            }
            self.expire(now);
            if let Some(wait) = self.step(now, view, rng) {
                return Action::WaitUntil(wait);
            }
        }
    }

    /// Takes an event.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Answer { attempt, outcome } => self.answer(attempt, outcome),
            Event::Refreshed => {
                if let Phase::Refreshing { over, .. } = &mut self.phase {
                    *over = true;
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
        let someone = partition.filter(|partition| partition.has_candidates(self.asked_ejected));
        match &mut self.phase {
            Phase::NextRound => self.next_round(now, partition),
            Phase::Asking(_) => return self.ask(now, rng),
            Phase::Refreshing { until, over } => match someone {
                Some(partition) => self.ask_all(partition),
                None if *over || now >= *until => {
                    self.phase = Phase::Trials(Trials::new(partition));
                }
                None => return Some((*until).min(self.deadline)),
            },
            Phase::Trials(_) => return self.try_dormant(now, someone, rng),
            Phase::BackOff { until, for_anyone } => {
                if now < *until && !(*for_anyone && someone.is_some()) {
                    return Some((*until).min(self.deadline));
                }
                self.phase = Phase::NextRound;
            }
            Phase::Done => return Some(self.deadline),
        }
        None
    }

    fn next_round(&mut self, now: Moment, partition: Option<&Arc<PartitionView>>) {
        self.asked_ejected = false;
        match partition.filter(|partition| partition.has_candidates(false)) {
            Some(partition) => self.ask_all(partition),
            None => self.refresh(now),
        }
    }

    fn ask_all(&mut self, partition: &Arc<PartitionView>) {
        let asking = Asking::new(partition);
        self.asked_ejected = asking.none_was_ready();
        self.phase = Phase::Asking(asking);
    }

    /// Waits for the shared refresh, but keeps half of the time left for what comes after.
    fn refresh(&mut self, now: Moment) {
        self.queue.push_back(Action::Refresh);
        self.phase = Phase::Refreshing {
            until: now + self.deadline.since(now) / 2,
            over: false,
        };
    }

    fn ask<R: Rng + ?Sized>(&mut self, now: Moment, rng: &mut R) -> Option<Moment> {
        let Phase::Asking(asking) = &mut self.phase else {
            return None;
        };
        if let Some((node, trial)) = asking.take_probe(now) {
            let limit = self.limit(now, 1);
            self.start(node, limit, Some(trial), true);
            return None;
        }
        let waiting = self.in_flight.iter().any(|call| !call.is_probe);
        let hedge_at = asking.hedge_at(self.config.hedge_after);
        let hedged = hedge_at.is_some_and(|at| now >= at) && asking.has_next();
        if waiting && !hedged {
            let hedge_at = hedge_at.filter(|_| asking.has_next());
            return Some(self.next_wake(hedge_at));
        }
        if let Some((node, left)) = asking.next_open(now) {
            let limit = self.limit(now, left);
            self.start(node, limit, None, false);
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

    fn try_dormant<R: Rng + ?Sized>(
        &mut self,
        now: Moment,
        someone: Option<&Arc<PartitionView>>,
        rng: &mut R,
    ) -> Option<Moment> {
        let Phase::Trials(trials) = &mut self.phase else {
            return None;
        };
        if !self.in_flight.is_empty() {
            return Some(self.next_wake(None));
        }
        if let Some(partition) = someone {
            self.ask_all(partition);
            return None;
        }
        if let Some((node, trial, left)) = trials.take_next() {
            let limit = self.limit(now, left);
            self.start(node, limit, Some(trial), false);
            return None;
        }
        if trials.others_are_trying() {
            return Some(trials.look_again(now).min(self.deadline));
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

    /// A call's limit: its share of the time left among `left` candidates, within bounds.
    fn limit(&self, now: Moment, left: usize) -> Moment {
        let share = self.deadline.since(now) / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
        let limit = share
            .max(Self::SHORTEST_ATTEMPT)
            .min(self.config.attempt_limit);
        (now + limit).min(self.deadline)
    }

    fn start(&mut self, node: Arc<Node>, limit: Moment, trial: Option<Trial>, is_probe: bool) {
        let attempt = AttemptId(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        self.in_flight.push(InFlightCall {
            attempt,
            node: Arc::clone(&node),
            limit,
            is_probe,
        });
        self.queue
            .push_back(Action::Start(Call::new(attempt, node, limit, trial)));
    }

    /// Gives up the calls whose limit has passed: each is a failure of its node.
    fn expire(&mut self, now: Moment) {
        while let Some(index) = self.in_flight.iter().position(|call| now >= call.limit) {
            let call = self.in_flight.swap_remove(index);
            self.queue.push_back(Action::Cancel(call.attempt));
            self.queue.extend(call.node.failed().map(Action::Report));
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
        let report = match outcome {
            Outcome::Invoice => call.node.succeeded(),
            Outcome::Failed(Blame::Node) => call.node.failed(),
            Outcome::Failed(Blame::Request) => None,
        };
        self.queue.extend(report.map(Action::Report));
        if outcome == Outcome::Invoice {
            self.finish(Ok(attempt));
        }
    }

    /// Ends the request. A probe goes on alone, for its node waits for the verdict.
    fn finish(&mut self, result: Result<AttemptId, NoInvoice>) {
        let calls = self.in_flight.drain(..);
        self.queue.extend(calls.map(|call| {
            if call.is_probe {
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

#[cfg(test)]
mod tests;
