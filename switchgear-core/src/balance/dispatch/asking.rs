use std::{iter::Peekable, sync::Arc, time::Duration};

use crate::{
    Moment,
    balance::{Node, NodeId, PartitionView, node::Trial, view::Candidates},
};

/// Asking the candidates of one view, best first.
#[derive(Debug)]
pub(super) struct Asking {
    view: Arc<PartitionView>,
    candidates: Peekable<Candidates>,
    probed: bool,
    last_start: Option<Moment>,
}

impl Asking {
    pub(super) fn new(view: &Arc<PartitionView>) -> Self {
        Self {
            candidates: view.candidates().peekable(),
            view: Arc::clone(view),
            probed: false,
            last_start: None,
        }
    }

    /// An ejected node to ask beside the first candidate, at most one. With nobody ready, the ejected
    /// are the candidates themselves.
    pub(super) fn take_probe(&mut self, now: Moment) -> Option<(Arc<Node>, Trial)> {
        if std::mem::replace(&mut self.probed, true) || self.none_was_ready() {
            return None;
        }
        self.view
            .ejected
            .iter()
            .filter(|node| node.is_open() && node.is_probe_due(now))
            .find_map(|node| Some((Arc::clone(node), node.try_trial()?)))
    }

    /// The next candidate that may still be asked, and how many are left with it. `current` is the
    /// partition as it is now: a node that was moved to another one since is passed over.
    pub(super) fn next(
        &mut self,
        now: Moment,
        current: Option<&Arc<PartitionView>>,
        asked: &[NodeId],
    ) -> Option<(Arc<Node>, usize)> {
        let current = current.filter(|current| !Arc::ptr_eq(current, &self.view));
        loop {
            let left = self.candidates.len();
            let node = self.candidates.next()?;
            let listed = current.is_none_or(|current| current.lists(node.id()));
            if listed && node.is_open() && !asked.contains(&node.id()) {
                self.last_start = Some(now);
                return Some((node, left));
            }
        }
    }

    pub(super) fn none_was_ready(&self) -> bool {
        self.view.ready().is_empty()
    }

    /// When the next candidate is asked beside the last, where hedging is on and there is one.
    pub(super) fn hedge_at(&mut self, hedge_after: Option<Duration>) -> Option<Moment> {
        let at = self.last_start? + hedge_after?;
        self.candidates.peek().map(|_| at)
    }
}
