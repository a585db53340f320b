use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

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
///
/// Every ordering is relaxed: each figure stands for itself, and a request that sees one a moment
/// late asks a node that fails, and goes on to the next.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    address: BackendAddress,
    threshold: u32,
    open: AtomicBool,
    trusted: AtomicBool,
    on_trial: AtomicBool,
    failures: AtomicU32,
    in_flight: AtomicU32,
    probe_at: AtomicU64,
    checked_at: AtomicU64,
}

impl Node {
    /// No probe is due.
    const NO_PROBE: u64 = u64::MAX;

    pub(super) fn new(id: NodeId, address: BackendAddress, threshold: NonZeroU32) -> Self {
        Self {
            id,
            address,
            threshold: threshold.get(),
            open: AtomicBool::new(false),
            trusted: AtomicBool::new(false),
            on_trial: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            probe_at: AtomicU64::new(Self::NO_PROBE),
            checked_at: AtomicU64::new(0),
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
        self.open.load(Ordering::Relaxed)
    }

    /// Calls under way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether the node is ejected and a probe may ask it now.
    pub fn is_probe_due(&self, now: Moment) -> bool {
        self.probe_at.load(Ordering::Relaxed) <= now.as_nanos()
    }

    /// Whether a check of the node has ended at `since` or later.
    pub(super) fn is_checked_since(&self, since: Moment) -> bool {
        self.checked_at.load(Ordering::Relaxed) >= since.as_nanos().max(1)
    }

    pub(super) fn set_checked_at(&self, now: Moment) {
        self.checked_at.store(now.as_nanos(), Ordering::Relaxed);
    }

    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Relaxed);
    }

    /// Whether an invoice that the node makes is no news: it is ready, neither ejected nor unhealthy.
    pub(super) fn set_trusted(&self, trusted: bool) {
        self.trusted.store(trusted, Ordering::Relaxed);
    }

    pub(super) fn set_probe_at(&self, probe_at: Option<Moment>) {
        let nanos = probe_at.map_or(Self::NO_PROBE, Moment::as_nanos);
        self.probe_at.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn forget_failures(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// Takes a successful call; a report when that is news to the fleet.
    pub fn succeeded(&self) -> Option<Report> {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.forget_failures();
        }
        (!self.trusted.load(Ordering::Relaxed)).then_some(Report::Answering(self.id))
    }

    /// Takes a failed call that the node is to blame for; a report when there were enough in a row of a
    /// node that is ready. Calls that began before an ejection and fail behind it are no news.
    pub fn failed(&self) -> Option<Report> {
        let failures = self
            .failures
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        let telling = failures >= self.threshold && self.trusted.load(Ordering::Relaxed);
        telling.then_some(Report::Failing(self.id))
    }

    /// Takes a failed call that was the node's trial.
    pub fn failed_trial(&self) -> Report {
        Report::TrialFailed(self.id)
    }

    /// The one right to try a node that is not ready, if nobody has it.
    pub(super) fn try_trial(self: &Arc<Self>) -> Option<Trial> {
        let taken = self.on_trial.swap(true, Ordering::Acquire);
        (!taken).then(|| Trial(Arc::clone(self)))
    }

    pub(super) fn count_call(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
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
        self.0.on_trial.store(false, Ordering::Release);
    }
}

/// A call under way, counted until dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Node>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
