use std::time::Duration;

use switchgear_core::{
    Moment,
    balance::{AttemptId, Call, Dispatch, NodeId},
};

use super::request::RequestId;

/// Names one call of all.
pub type CallId = (RequestId, AttemptId);

/// A call under way.
#[derive(Debug)]
pub struct LiveCall {
    pub call: Call,
    pub manner: Manner,
    pub started: Moment,
    /// Whether it goes on behind its request's end.
    pub detached: bool,
}

/// In what capacity a node is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As one of the round's candidates.
    Candidate,
    /// Ejected, beside the first candidate.
    Probe,
    /// Unhealthy or unknown, while nobody is ready.
    Trial,
}

impl LiveCall {
    pub fn node(&self) -> NodeId {
        self.call.node_id()
    }

    /// Whether it holds its node's one right to be tried.
    pub fn on_trial(&self) -> bool {
        self.manner != Manner::Candidate
    }

    /// Whether it had so much time that being late is its node's fault.
    pub fn is_fair(&self, attempt_limit: Duration) -> bool {
        let given = self.call.limit().since(self.started);
        given >= attempt_limit.min(Dispatch::FAIR_ATTEMPT)
    }
}
