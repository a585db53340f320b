use std::{collections::BTreeMap, time::Duration};

use switchgear_core::balance::NodeId;
use tokio::time::Instant;

/// Why nodes are unhealthy, as the log last told it.
///
/// A node that stays unhealthy for another reason than before is told of once more: who puts its
/// credentials right one by one looks for the next file. One whose reasons alternate is told of at most
/// once in a while.
#[derive(Debug, Default)]
pub(super) struct Reasons(BTreeMap<NodeId, Told>);

#[derive(Debug)]
struct Told {
    reason: String,
    at: Instant,
}

impl Reasons {
    /// How long a node is not told of again for another reason.
    pub(super) const PAUSE: Duration = Duration::from_secs(10);

    /// The node has just been told of for this reason.
    pub(super) fn told(&mut self, node: NodeId, reason: String) {
        let at = Instant::now();
        self.0.insert(node, Told { reason, at });
    }

    /// Whether a node that is still unhealthy is to be told of again; then it counts as told.
    pub(super) fn is_news(&mut self, node: NodeId, reason: &str) -> bool {
        let Some(told) = self.0.get_mut(&node) else {
            return false;
        };
        let news = told.reason != reason && told.at.elapsed() >= Self::PAUSE;
        if news {
            reason.clone_into(&mut told.reason);
            told.at = Instant::now();
        }
        news
    }

    /// The node is healthy again, or gone.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.0.remove(&node);
    }
}
