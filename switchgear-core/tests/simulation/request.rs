use std::{collections::VecDeque, time::Duration};

use switchgear_core::{
    Moment,
    balance::{AttemptId, Dispatch, DispatchRequest, NodeId, Report},
};

use super::{call::Manner, round::Round};

/// Names one request of all.
pub type RequestId = u64;

/// A request under way, with what its driver and the laws know of it.
#[derive(Debug)]
pub struct Request {
    pub dispatch: Dispatch,
    pub request: DispatchRequest,
    /// The index of its partition.
    pub partition: usize,
    pub arrived: Moment,
    pub deadline: Moment,
    pub round: Round,
    /// Whether it is told of a refresh's end and of new publications.
    pub listening: bool,
    /// Whether an invoice came.
    pub won: bool,
    pub under_way: Vec<(AttemptId, Manner)>,
    pub last_candidate: Option<Moment>,
    /// What it must tell of nodes before it waits, in order.
    pub owed: VecDeque<Report>,
    /// Nodes that had little time when they were given up, and whether for a trial: they are to blame once another
    /// one made the invoice.
    pub doubtful: Vec<(NodeId, bool)>,
    /// Numbers its waits.
    pub waits: u64,
}

impl Request {
    pub fn count(&self, manner: impl Fn(Manner) -> bool) -> usize {
        self.under_way
            .iter()
            .filter(|(_, one)| manner(*one))
            .count()
    }

    /// When another candidate is to be asked beside the last.
    pub fn hedge_at(&self, hedge_after: Option<Duration>) -> Option<Moment> {
        Some(self.last_candidate? + hedge_after?)
    }

    pub fn forget_call(&mut self, attempt: AttemptId) {
        self.under_way.retain(|(one, _)| *one != attempt);
    }
}
