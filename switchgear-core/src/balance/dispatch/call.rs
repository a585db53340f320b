use std::{sync::Arc, time::Duration};

use super::Outcome;
use crate::{
    Moment,
    balance::{
        Node, NodeId, Report,
        node::{InFlight, Trial},
    },
    ln::Blame,
};

/// Names one call of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub(super) u32);

/// A call to be made. Keep it as long as the call is under way: dropping it says that it is over.
#[derive(Debug)]
pub struct Call {
    attempt: AttemptId,
    node: Arc<Node>,
    limit: Moment,
    verdict: Verdict,
    _in_flight: InFlight,
    _trial: Option<Trial>,
}

impl Call {
    pub(super) fn new(
        attempt: AttemptId,
        node: Arc<Node>,
        limit: Moment,
        trial: Option<Trial>,
        verdict: Verdict,
    ) -> Self {
        Self {
            attempt,
            limit,
            verdict,
            _in_flight: node.count_call(),
            _trial: trial,
            node,
        }
    }

    /// Its name within the request.
    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// Whom to ask.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The name of the node to ask.
    pub fn node_id(&self) -> NodeId {
        self.node.id()
    }

    /// When the call is given up. [`Dispatch`](super::Dispatch) says so itself by
    /// [`Action::Cancel`](super::Action::Cancel); only a detached call must look at it.
    pub fn limit(&self) -> Moment {
        self.limit
    }

    /// Whether it tries a node that is not ready, with the one right to do so.
    pub fn is_trial(&self) -> bool {
        self.verdict.on_trial
    }

    /// How to take what the call says of its node, for a call that outlives its request.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// What a call's end says of its node.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub(super) node: Arc<Node>,
    pub(super) started: Moment,
    /// What a call that fails is charged: the limit that it was given.
    pub(super) charge: Duration,
    /// Whether the call tries a node that is not ready.
    pub(super) on_trial: bool,
    /// Whether the limit was long enough to blame the node for being late.
    pub(super) fair: bool,
}

impl Verdict {
    /// The node that is judged.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The call ended at `now` with `outcome`; a report when that is news to the fleet.
    pub fn of(&self, outcome: Outcome, now: Moment) -> Option<Report> {
        let latency = match outcome {
            Outcome::Invoice => now.since(self.started),
            Outcome::Failed(_) => self.charge,
        };
        self.node.live().observe_latency(latency, now);
        match outcome {
            Outcome::Invoice => self.node.succeeded(),
            // A trial that brings no invoice has failed, whosever fault it was: else it would be tried on.
            Outcome::Failed(Blame::Request) if !self.on_trial => None,
            Outcome::Failed(_) => self.blamed(),
        }
    }

    /// The call was given up at its limit; a report when that is news to the fleet.
    pub fn late(&self, now: Moment) -> Option<Report> {
        self.node.live().observe_latency(self.charge, now);
        self.blamed()
    }

    /// The call was given up at `now` because another one made the invoice, or nobody waited any more.
    pub fn overtaken(&self, now: Moment) {
        let elapsed = now.since(self.started);
        self.node.live().observe_latency_above(elapsed, now);
    }

    fn blamed(&self) -> Option<Report> {
        if self.on_trial {
            Some(self.node.failed_trial())
        } else {
            self.node.failed()
        }
    }
}

/// A call under way, as its request remembers it.
#[derive(Debug)]
pub(super) struct InFlightCall {
    pub(super) attempt: AttemptId,
    pub(super) limit: Moment,
    pub(super) verdict: Verdict,
}
