use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use super::{live::Live, rendezvous::NodeSeed};
use crate::{Moment, backend::BackendAddress};

/// Names one node for as long as discovery lists it; never used twice by one fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What all requests share of a node: its identity, and live figures that are atomics.
#[derive(Debug)]
pub struct Node {
    live: Live,
    id: NodeId,
    seed: NodeSeed,
    address: BackendAddress,
    threshold: u32,
}

impl Node {
    pub(super) fn new(id: NodeId, address: BackendAddress, threshold: NonZeroU32) -> Self {
        Self {
            live: Live::new(),
            id,
            seed: NodeSeed::of(&address.to_string()),
            address,
            threshold: threshold.get(),
        }
    }

    /// The node's name within its fleet.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The node's address in discovery.
    pub fn address(&self) -> &BackendAddress {
        &self.address
    }

    /// Whether the node may be asked at all: listed, enabled, with weight. Looked at before each call.
    pub fn is_open(&self) -> bool {
        self.live.is_open()
    }

    /// Calls under way.
    pub fn in_flight(&self) -> u32 {
        self.live.in_flight()
    }

    /// How long a call is to be expected to take: the peak of the calls that ended, fading by half in
    /// 5 s. A call that failed counts as one that took its whole limit. `None` before the first.
    pub fn latency(&self, now: Moment) -> Option<Duration> {
        self.live.latency(now)
    }

    /// Whether the node is ejected and a probe may ask it now.
    pub fn is_probe_due(&self, now: Moment) -> bool {
        self.live.is_probe_due(now)
    }

    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    pub(super) fn seed(&self) -> NodeSeed {
        self.seed
    }

    /// Takes a successful call; a report when that is news to the fleet.
    pub(super) fn succeeded(&self) -> Option<Report> {
        self.live.forget_failures();
        (!self.live.is_trusted()).then_some(Report::Answering(self.id))
    }

    /// Takes a failed call that the node is to blame for; a report when there were enough in a row of a
    /// node that is ready. Calls that began before an ejection and fail behind it are no news.
    pub(super) fn failed(&self) -> Option<Report> {
        let telling = self.live.count_failure() >= self.threshold && self.live.is_trusted();
        telling.then_some(Report::Failing(self.id))
    }

    /// Takes a failed call that was the node's trial.
    pub(super) fn failed_trial(&self) -> Report {
        Report::TrialFailed(self.id)
    }

    /// The one right to try a node that is not ready, if nobody has it.
    pub(super) fn try_trial(self: &Arc<Self>) -> Option<Trial> {
        self.live.take_trial().then(|| Trial(Arc::clone(self)))
    }

    pub(super) fn count_call(self: &Arc<Self>) -> InFlight {
        self.live.begin_call();
        InFlight(Arc::clone(self))
    }
}

/// What requests tell the fleet's owner of a node; its rules alone decide what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Report {
    /// Invoice calls keep failing.
    Failing(NodeId),
    /// The one call that tried a node that is not ready failed.
    TrialFailed(NodeId),
    /// A node that was not ready made an invoice.
    Answering(NodeId),
}

impl Report {
    /// The node that is spoken of.
    pub fn node(&self) -> NodeId {
        match self {
            Self::Failing(id) | Self::TrialFailed(id) | Self::Answering(id) => *id,
        }
    }
}

/// The one right to try a node, given back when dropped.
#[derive(Debug)]
pub(super) struct Trial(Arc<Node>);

impl Drop for Trial {
    fn drop(&mut self) {
        self.0.live.give_trial_back();
    }
}

/// A call under way, counted until dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Node>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.live.end_call();
    }
}
