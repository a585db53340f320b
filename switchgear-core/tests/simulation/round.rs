use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc, time::Duration};

use switchgear_core::{Moment, balance::NodeId};

use super::published::Published;

/// A request's round, as far as it can be told from what the request does.
#[derive(Debug)]
pub struct Round {
    /// As the request counts them, from 1; 0 before the first.
    pub number: u32,
    /// The step in which it began.
    pub step: u64,
    pub asked: Vec<NodeId>,
    /// How many were asked as candidates or for trials, and not to probe them beside others.
    pub spent: usize,
    /// When it last wanted a refresh.
    pub refreshed: Option<Moment>,
    /// The candidates that it goes through.
    pub run: Option<RoundRun>,
    /// Whether a node was asked as a candidate while somebody was ready.
    pub met_ready: bool,
    /// The round is over; the next one begins then.
    pub resting: Option<Moment>,
    /// Since when it has no candidate left, and may try others.
    pub ended: Option<Ended>,
    /// When the round before it had ended.
    pub before: Option<Ended>,
}

/// The end of a round, as far as asking candidates goes.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub at: Moment,
    /// Whether nobody was ready then: if so, the next round begins as soon as somebody is.
    pub nobody_ready: bool,
}

/// The candidates of one picker, as a round goes through them.
#[derive(Debug)]
pub struct RoundRun {
    pub published: Arc<Published>,
    pub began: Moment,
    pub rank: u8,
    /// Those that could not be asked at some look for the next candidate: the run may have gone past them.
    pub passed: BTreeSet<NodeId>,
    /// Whether it began here for certain. Where a node that may have been passed is asked, it is either the
    /// old run that goes on to its end, or a new one.
    pub certain: bool,
}

impl RoundRun {
    pub fn new(published: Arc<Published>, began: Moment, certain: bool) -> Self {
        Self {
            published,
            began,
            rank: 0,
            passed: BTreeSet::new(),
            certain,
        }
    }

    /// Whether a call to this node, with no other under way, means that another run may have begun: once all
    /// who were asked have failed, whoever else can be asked by then is.
    pub fn may_start_over(&self, node: NodeId) -> bool {
        self.published.node(node).is_none() || self.passed.contains(&node)
    }

    /// Takes note that it has looked for its next candidate.
    pub fn look(&mut self, may_be_asked: impl Fn(NodeId) -> bool) {
        let candidates = self.published.candidates();
        self.passed
            .extend(candidates.filter(|id| !may_be_asked(*id)));
    }
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Calls under way.
    Calls,
    /// The shared refresh.
    Refresh,
    /// The trials of other requests.
    Trials,
    /// The next round: the last one has just ended.
    Rest,
    /// The next round, still.
    StillRest,
}

impl Round {
    /// How many more nodes it may ask, of at most so many.
    pub fn quota(&self, most: Option<NonZeroU32>) -> usize {
        most.map_or(usize::MAX, |most| {
            (most.get() as usize).saturating_sub(self.spent)
        })
    }

    /// How soon a request looks again for a trial that another one has.
    const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(50);

    pub fn new(number: u32, step: u64, before: Option<Ended>) -> Self {
        Self {
            number,
            step,
            asked: Vec::new(),
            spent: 0,
            refreshed: None,
            run: None,
            met_ready: false,
            resting: None,
            ended: None,
            before,
        }
    }

    /// Takes note that it has no candidate left.
    pub fn end(&mut self, at: Moment, nobody_ready: bool) {
        let since = self.ended.get_or_insert(Ended { at, nobody_ready });
        since.nobody_ready |= nobody_ready;
    }

    /// What a wait until `until` is for, when `under_way` calls of the request are.
    pub fn wait(
        &self,
        now: Moment,
        until: Moment,
        (deadline, attempt_limit): (Moment, Duration),
        under_way: usize,
    ) -> Wait {
        if under_way > 0 {
            return Wait::Calls;
        }
        if self.resting == Some(until) {
            return Wait::StillRest;
        }
        let longest = |since: Moment| since + (deadline.since(since) / 2).min(attempt_limit);
        if self.run.is_none() && self.refreshed.map(longest) == Some(until) {
            return Wait::Refresh;
        }
        if until == (now + Self::LOOK_AGAIN).min(deadline) {
            return Wait::Trials;
        }
        Wait::Rest
    }
}
