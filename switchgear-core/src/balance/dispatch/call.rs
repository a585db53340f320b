use std::sync::Arc;

use crate::{
    Moment,
    balance::{
        Node, NodeId,
        node::{InFlight, Trial},
    },
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
    _in_flight: InFlight,
    _trial: Option<Trial>,
}

impl Call {
    pub(super) fn new(
        attempt: AttemptId,
        node: Arc<Node>,
        limit: Moment,
        trial: Option<Trial>,
    ) -> Self {
        Self {
            attempt,
            limit,
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
}

/// A call under way, as its request remembers it.
#[derive(Debug)]
pub(super) struct InFlightCall {
    pub(super) attempt: AttemptId,
    pub(super) node: Arc<Node>,
    pub(super) limit: Moment,
    pub(super) is_probe: bool,
}
