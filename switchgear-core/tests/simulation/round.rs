use std::{num::NonZeroU32, sync::Arc, time::Duration};

use switchgear_core::{
    Moment,
    balance::{Action, NodeId},
};

use super::published::Published;

/// A request's round, as far as it can be told from what the request does.
#[derive(Debug)]
pub struct Round {
    pub began: Moment,
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
    /// Its candidates have failed, and it tries others until the next one begins.
    pub trying_others: bool,
}

/// The candidates of one picker, as a round goes through them.
#[derive(Debug)]
pub struct RoundRun {
    pub published: Arc<Published>,
    pub began: Moment,
    pub asked: usize,
    pub rank: u8,
}

impl RoundRun {
    /// Whether a call to this node means that another run has begun: where nobody was ready or open, that is so
    /// once all who were asked have failed and somebody else can be.
    pub fn starts_over(&self, node: NodeId) -> bool {
        let met_nobody = self.published.ready.is_empty() || self.asked == 0;
        met_nobody && self.published.node(node).is_none()
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

    pub fn new(began: Moment, step: u64) -> Self {
        Self {
            began,
            step,
            asked: Vec::new(),
            spent: 0,
            refreshed: None,
            run: None,
            met_ready: false,
            resting: None,
            trying_others: false,
        }
    }

    /// Whether an action belongs to the next round; `begins` when it is not one that a round may end with.
    pub fn is_left_by(&self, action: &Action, begins: bool, now: Moment) -> bool {
        let same = |until| matches!(action, Action::WaitUntil(at) if *at == until);
        let passed = self
            .resting
            .is_some_and(|until| now >= until && !same(until));
        passed || begins && (self.trying_others || self.resting.is_some())
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
