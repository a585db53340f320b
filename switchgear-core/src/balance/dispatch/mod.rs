//! The life of one invoice request, without a clock or a runtime.
//!
//! ```text
//!      ┌──────────────────────── back-off ◀── there is time ───────┐
//!      ▼                                                           │
//!  next round ── candidates ──▶ asking ──────── all failed ──▶ end of round
//!      │                         ▲ ▲ ▲                         ▲   │
//!      │ nobody     ┌─ someone ──┘ │ └───── someone ───────┐   │   │ there is none
//!      ▼            │              │ someone               │   │   ▼
//!  refreshing ──────┴─ nobody ─▶ trials ── nobody left ────┼───┘ last trials
//!                                                          └───────┤
//!                                                                  │ nobody left
//!         an invoice, or the deadline, whatever the phase ─────▶ done
//! ```
//!
//! - *Asking*: the round's candidates one after the other, each for its share of the time left; a
//!   failure goes on at once. With a hedge, the next is asked beside one that is slow. An ejected node
//!   whose probe is due is asked beside the first candidate.
//! - *Refreshing*: nobody is ready, so discovery and checks run now, shared by all who wait.
//! - *Trials*: nodes that are unhealthy or unknown, each asked by one request at a time; who wants the
//!   same node waits for the other's trial. Who becomes ready meanwhile is asked beside.
//! - *Back-off*: the wait for the next round; meanwhile those that are not ready are tried too, for all
//!   others have failed.
//! - *Last trials*: the same as trials, once there is no time for another round. Only here is a request
//!   given up, when it has asked all whom it may: so no node that could serve it is left out, and none is
//!   asked twice, for it is still the same round.

mod asked;
mod asking;
mod call;
mod calls;
mod request;
mod trials;

use std::{collections::VecDeque, num::NonZeroU32, sync::Arc, time::Duration};

use rand_core::Rng;

pub(super) use self::asked::Asked;
use self::{asking::Asking, call::InFlightCall};
pub use self::{
    call::{AttemptId, Call, Verdict},
    request::DispatchRequest,
};
use super::{Backoff, FleetView, Node, Picker, Report};
use crate::{
    Moment,
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
    /// How many nodes one round may ask; without it, all.
    pub max_iterations: Option<NonZeroU32>,
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
    request: DispatchRequest,
    deadline: Moment,
    phase: Phase,
    rounds: u32,
    attempts: u32,
    /// Whom this round has asked.
    asked: Asked,
    /// Calls that were given up before their nodes had had much time.
    doubtful: Vec<Verdict>,
    in_flight: Vec<InFlightCall>,
    queue: VecDeque<Action>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "most requests are asking for all of their life, and a box would be an allocation for each"
)]
#[derive(Debug)]
enum Phase {
    NextRound,
    Asking(Asking),
    Refreshing(Refreshing),
    Trials {
        /// Whether there is no time for another round.
        last: bool,
    },
    BackOff {
        until: Moment,
        for_anyone: bool,
    },
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

    /// A node that was given less than this (and less than the configured limit) is to blame for being
    /// late only if another one made the invoice: there were more candidates than time.
    pub const FAIR_ATTEMPT: Duration = Duration::from_secs(1);

    /// How soon to look whether another request's trial is over, or a node has become ready, where nobody
    /// tells it first.
    const LOOK_AGAIN: Duration = Duration::from_millis(50);

    /// Takes up a request at `now`.
    pub fn new(config: DispatchConfig, request: DispatchRequest, now: Moment) -> Self {
        Self {
            deadline: now + config.deadline,
            config,
            request,
            phase: Phase::NextRound,
            rounds: 0,
            attempts: 0,
            asked: Asked::default(),
            doubtful: Vec::new(),
            in_flight: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// How many calls were started so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How many rounds were begun so far.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// What to do next. `view` is that of the fleet which the request's partition was numbered by.
    pub fn poll(&mut self, now: Moment, view: &FleetView, rng: &mut dyn Rng) -> Action {
        loop {
            if let Some(action) = self.queue.pop_front() {
                return action;
            }
            self.expire(now);
            if now >= self.deadline && !matches!(self.phase, Phase::Done) {
                self.finish(Err(NoInvoice::Deadline), now);
            } else if let Some(wait) = self.step(now, view, rng) {
                return Action::WaitUntil(wait);
            }
        }
    }

    /// Takes what happened at `now`.
    pub fn handle(&mut self, event: Event, now: Moment) {
        match event {
            Event::Answer { attempt, outcome } => self.answer(attempt, outcome, now),
            Event::Refreshed => {
                if let Phase::Refreshing(refreshing) = &mut self.phase {
                    refreshing.over = true;
                }
            }
        }
    }

    /// One step of the phase at hand: a moment to wait for, or `None` when there is more to do now.
    fn step(&mut self, now: Moment, view: &FleetView, rng: &mut dyn Rng) -> Option<Moment> {
        if !self.queue.is_empty() {
            return None;
        }
        let picker = view.picker(self.request.partition);
        let picker = picker.as_deref();
        let someone = || picker.filter(|picker| self.finds_candidate(picker));
        match self.phase {
            Phase::NextRound => self.next_round(now, picker, rng),
            Phase::Asking(_) => return self.ask(now, picker, rng),
            Phase::Refreshing(refreshing) => match someone() {
                Some(picker) => self.ask_all(now, picker, rng),
                None if refreshing.is_over(now, view, picker) => {
                    self.phase = Phase::Trials { last: false };
                }
                None => return Some(refreshing.until),
            },
            Phase::Trials { last } => match someone() {
                // The trial under way goes on beside.
                Some(picker) => self.ask_all(now, picker, rng),
                None => return self.try_dormant(last, now, picker, rng),
            },
            Phase::BackOff { until, for_anyone } => {
                let ready = picker.is_some_and(|picker| !picker.ready().is_empty());
                if now < until && !(for_anyone && ready) {
                    return self.try_beside_back_off(until, now, picker, rng);
                }
                self.phase = Phase::NextRound;
            }
            Phase::Done => return Some(self.deadline),
        }
        None
    }

    fn next_round(&mut self, now: Moment, picker: Option<&Arc<Picker>>, rng: &mut dyn Rng) {
        self.asked.clear();
        self.rounds = self.rounds.saturating_add(1);
        match picker.filter(|picker| self.finds_candidate(picker)) {
            Some(picker) => self.ask_all(now, picker, rng),
            None => self.refresh(now),
        }
    }

    fn ask_all(&mut self, now: Moment, picker: &Arc<Picker>, rng: &mut dyn Rng) {
        let pick = self.request.pick(now);
        self.phase = Phase::Asking(Asking::new(picker, &pick, self.quota(), &self.asked, rng));
    }

    /// Waits for the shared refresh, as long as one node may take, but keeps half of the time left for what
    /// comes after.
    fn refresh(&mut self, now: Moment) {
        let longest = self.deadline.since(now) / 2;
        self.queue.push_back(Action::Refresh);
        self.phase = Phase::Refreshing(Refreshing {
            since: now,
            until: now + longest.min(self.config.attempt_limit),
            over: false,
        });
    }

    fn ask(
        &mut self,
        now: Moment,
        picker: Option<&Arc<Picker>>,
        rng: &mut dyn Rng,
    ) -> Option<Moment> {
        let Phase::Asking(asking) = &mut self.phase else {
            return None;
        };
        if let Some((node, trial)) = asking.take_probe(now, picker, &self.asked) {
            self.asked.probe(node.id());
            self.start(now, node, 1, Some(trial));
            return None;
        }
        // A trial under way is no reason to wait: it may well fail.
        let waiting = self.in_flight.iter().any(|call| !call.verdict.on_trial);
        let hedge_at = asking.hedge_at(self.config.hedge_after);
        if waiting && hedge_at.is_none_or(|at| now < at) {
            return Some(self.next_wake(hedge_at));
        }
        if let Some((node, left)) = asking.next(now, picker, &self.asked) {
            self.asked.ask(node.id());
            self.start(now, node, left, None);
            return None;
        }
        if !self.in_flight.is_empty() {
            return Some(self.next_wake(None));
        }
        let asked_nobody = asking.none_was_ready() || asking.asked_nobody();
        if !asked_nobody || self.quota() == 0 {
            self.rest(now, rng, false);
        } else if let Some(picker) = picker.filter(|picker| self.finds_candidate(picker)) {
            self.ask_all(now, picker, rng);
        } else {
            self.refresh(now);
        }
        None
    }

    /// The round is over without an invoice: waits for the next one, where there is time for one.
    fn rest(&mut self, now: Moment, rng: &mut dyn Rng, for_anyone: bool) {
        let until = self
            .config
            .backoff
            .delay(self.rounds, rng)
            .map(|delay| now + delay);
        match until.filter(|until| *until < self.deadline) {
            Some(until) => self.phase = Phase::BackOff { until, for_anyone },
            None => self.phase = Phase::Trials { last: true },
        }
    }

    /// How many more nodes the round may ask.
    fn quota(&self) -> usize {
        let most = self.config.max_iterations.map(NonZeroU32::get);
        let most = most.and_then(|most| usize::try_from(most).ok());
        most.map_or(usize::MAX, |most| most.saturating_sub(self.asked.count()))
    }

    /// Whether the round has someone to ask.
    fn finds_candidate(&self, picker: &Picker) -> bool {
        self.quota() > 0 && picker.has_candidate_besides(&self.asked)
    }
}

impl Refreshing {
    /// Whether discovery and all nodes of the partition that are not ready have been asked since; or the
    /// whole refresh is over; or there is no more time for it.
    fn is_over(&self, now: Moment, view: &FleetView, picker: Option<&Arc<Picker>>) -> bool {
        let nodes = picker.map_or(&[][..], |picker| &picker.dormant);
        let checked = |node: &Arc<Node>| node.live().is_checked_since(self.since);
        let asked = view.is_discovered_since(self.since) && nodes.iter().all(checked);
        self.over || asked || now >= self.until
    }
}

#[cfg(test)]
mod tests;
