use std::collections::BTreeSet;

use switchgear_core::{Moment, balance::NodeId};

/// A refresh under way: whose check it waits for, and whom its answer of discovery serves.
#[derive(Debug)]
pub(super) struct Running {
    /// A question of discovery that began before this moment does not count.
    since: Moment,
    /// Once discovery has answered: how many of all who have asked for a refresh by then.
    serves: Option<u64>,
    unchecked: BTreeSet<NodeId>,
}

impl Running {
    pub(super) fn new(nodes: impl Iterator<Item = NodeId>, now: Moment) -> Self {
        Self {
            since: now,
            serves: None,
            unchecked: nodes.collect(),
        }
    }

    /// Whether it serves the last of `asked` who asked too: discovery is still to answer, or answered
    /// later than that.
    pub(super) fn serves(&self, asked: u64) -> bool {
        self.serves.is_none_or(|served| served >= asked)
    }

    /// Waits for another answer of discovery, to a question from now on.
    pub(super) fn ask_again(&mut self, now: Moment) {
        self.since = now;
        self.serves = None;
    }

    /// Discovery has answered a question that began at `since`, when so many had asked for a refresh.
    pub(super) fn answered(&mut self, since: Moment, asked: u64) {
        if since >= self.since {
            self.serves = Some(asked);
        }
    }

    /// Waits for a check of this node too.
    pub(super) fn await_check(&mut self, node: NodeId) {
        self.unchecked.insert(node);
    }

    /// This node was checked, or is gone.
    pub(super) fn checked(&mut self, node: NodeId) {
        self.unchecked.remove(&node);
    }

    /// Once discovery and every node that it waits for have answered: how many askers it serves.
    pub(super) fn over(&self) -> Option<u64> {
        self.serves.filter(|_| self.unchecked.is_empty())
    }
}
