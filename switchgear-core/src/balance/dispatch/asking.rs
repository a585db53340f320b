use std::{sync::Arc, time::Duration};

use rand_core::Rng;

use super::asked::Asked;
use crate::{
    Moment,
    balance::{Node, Pick, Picker, node::Trial, run::Run},
};

/// Asking the candidates of one picker, best first.
#[derive(Debug)]
pub(super) struct Asking {
    picker: Arc<Picker>,
    run: Run,
    /// How many more may be asked in this round.
    quota: usize,
    /// How many of the candidates to come the round has asked already: they are passed over.
    asked_before: usize,
    probed: bool,
    last_start: Option<Moment>,
}

impl Asking {
    pub(super) fn new(
        picker: &Arc<Picker>,
        pick: &Pick,
        quota: usize,
        asked: &Asked,
        rng: &mut dyn Rng,
    ) -> Self {
        Self {
            asked_before: asked.count_among(picker.ready().iter().chain(&picker.ejected)),
            run: Run::start(picker, pick, rng),
            picker: Arc::clone(picker),
            quota,
            probed: false,
            last_start: None,
        }
    }

    /// An ejected node to ask beside the first candidate, at most one. With nobody ready, the ejected
    /// are the candidates themselves.
    pub(super) fn take_probe(
        &mut self,
        now: Moment,
        current: Option<&Arc<Picker>>,
        asked: &Asked,
    ) -> Option<(Arc<Node>, Trial)> {
        if std::mem::replace(&mut self.probed, true) || self.none_was_ready() {
            return None;
        }
        let may_be_asked = |node: &&Arc<Node>| {
            node.is_open() && self.is_listed(node, current) && !asked.contains(node.id())
        };
        let probe = self
            .picker
            .ejected
            .iter()
            .filter(|node| node.is_probe_due(now))
            .filter(may_be_asked)
            .find_map(|node| Some((Arc::clone(node), node.try_trial()?)))?;
        self.asked_before += 1;
        Some(probe)
    }

    /// The next candidate that may still be asked, and how many are left with it. `current` is the
    /// partition as it is now: a node that was moved to another one since is passed over.
    pub(super) fn next(
        &mut self,
        now: Moment,
        current: Option<&Arc<Picker>>,
        asked: &Asked,
    ) -> Option<(Arc<Node>, usize)> {
        while self.quota > 0 {
            let left = self.left();
            let node = self.run.next(&self.picker)?;
            if asked.contains(node.id()) {
                self.asked_before = self.asked_before.saturating_sub(1);
            } else if self.is_listed(node, current) && node.is_open() {
                self.quota -= 1;
                self.last_start = Some(now);
                return Some((Arc::clone(node), left));
            }
        }
        None
    }

    /// Whether the node still belongs to the partition, as that is now.
    fn is_listed(&self, node: &Node, current: Option<&Arc<Picker>>) -> bool {
        let changed = current.filter(|current| !Arc::ptr_eq(current, &self.picker));
        changed.is_none_or(|current| current.lists(node.id()))
    }

    pub(super) fn none_was_ready(&self) -> bool {
        self.picker.ready().is_empty()
    }

    /// Whether none of the candidates could be asked: they have closed since they were published.
    pub(super) fn asked_nobody(&self) -> bool {
        self.last_start.is_none()
    }

    /// When the next candidate is asked beside the last, where hedging is on and there is one.
    pub(super) fn hedge_at(&self, hedge_after: Option<Duration>) -> Option<Moment> {
        let at = self.last_start? + hedge_after?;
        (self.left() > 0).then_some(at)
    }

    fn left(&self) -> usize {
        let to_ask = self.run.left().saturating_sub(self.asked_before);
        to_ask.min(self.quota)
    }
}
