use std::{collections::BTreeSet, iter::Peekable, sync::Arc, time::Duration};

use crate::{
    Moment,
    balance::{Node, NodeId, PartitionView, node::Trial, view::Candidates},
};

/// A round over the candidates of one view.
#[derive(Debug)]
pub(super) struct Asking {
    candidates: Peekable<Candidates>,
    probes: Vec<Arc<Node>>,
    probed: Option<NodeId>,
    any_ready: bool,
    last_start: Option<Moment>,
}

impl Asking {
    pub(super) fn new(partition: &Arc<PartitionView>) -> Self {
        let candidates = partition.candidates();
        let any_ready = !partition.ready().is_empty();
        Self {
            // With nobody ready, the ejected are the candidates themselves.
            probes: if any_ready {
                candidates.ejected().to_vec()
            } else {
                Vec::new()
            },
            candidates: candidates.peekable(),
            probed: None,
            any_ready,
            last_start: None,
        }
    }

    /// An ejected node to ask beside the first candidate, at most one a round.
    pub(super) fn take_probe(&mut self, now: Moment) -> Option<(Arc<Node>, Trial)> {
        let found = std::mem::take(&mut self.probes)
            .into_iter()
            .filter(|node| node.is_open() && node.is_probe_due(now))
            .find_map(|node| node.try_trial().map(|trial| (node, trial)))?;
        self.probed = Some(found.0.id());
        Some(found)
    }

    /// The next candidate that may still be asked, and how many are left with it.
    pub(super) fn next_open(&mut self, now: Moment) -> Option<(Arc<Node>, usize)> {
        loop {
            let left = self.candidates.len();
            let node = self.candidates.next()?;
            if node.is_open() && self.probed != Some(node.id()) {
                self.last_start = Some(now);
                return Some((node, left));
            }
        }
    }

    pub(super) fn has_next(&mut self) -> bool {
        self.candidates.peek().is_some()
    }

    pub(super) fn none_was_ready(&self) -> bool {
        !self.any_ready
    }

    /// When the next candidate is asked beside the last, where hedging is on.
    pub(super) fn hedge_at(&self, hedge_after: Option<Duration>) -> Option<Moment> {
        Some(self.last_start? + hedge_after?)
    }
}

/// The nodes of a partition in which nobody is ready, each to be tried by one request at a time.
#[derive(Debug)]
pub(super) struct Trials {
    dormant: Box<[Arc<Node>]>,
    asked: BTreeSet<NodeId>,
}

impl Trials {
    /// How soon to look whether another request's trial is over, where no view tells it first.
    const LOOK_AGAIN: Duration = Duration::from_millis(50);

    pub(super) fn new(partition: Option<&Arc<PartitionView>>) -> Self {
        Self {
            dormant: partition.map_or_else(Box::default, |partition| partition.dormant.clone()),
            asked: BTreeSet::new(),
        }
    }

    /// A node that this request has not asked and no other is trying, and how many are left with it.
    pub(super) fn take_next(&mut self) -> Option<(Arc<Node>, Trial, usize)> {
        let left = self.left().count();
        let (node, trial) = self
            .left()
            .find_map(|node| node.try_trial().map(|trial| (Arc::clone(node), trial)))?;
        self.asked.insert(node.id());
        Some((node, trial, left))
    }

    /// Whether there are nodes that this request has not asked.
    pub(super) fn others_are_trying(&self) -> bool {
        self.left().next().is_some()
    }

    pub(super) fn look_again(&self, now: Moment) -> Moment {
        now + Self::LOOK_AGAIN
    }

    fn left(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.dormant
            .iter()
            .filter(|node| node.is_open() && !self.asked.contains(&node.id()))
    }
}
