use std::{collections::BTreeSet, time::Duration};

use switchgear_core::{
    Moment,
    backend::BackendAddress,
    balance::{AttemptId, Check, HealthChange, NodeId, Outcome, Report},
    ln::NoInvoice,
};

use super::{call::Manner, request::RequestId, round::Wait};

/// What one step was: the laws' view of it.
#[derive(Debug, Clone)]
pub enum Happened {
    /// An event that came too late to matter.
    Nothing,
    Arrived(RequestId),
    Woken(RequestId),
    Asked(Asked),
    Cancelled {
        request: RequestId,
        attempt: AttemptId,
        node: NodeId,
        late: bool,
    },
    Detached(RequestId, AttemptId),
    Answered {
        request: RequestId,
        attempt: AttemptId,
        node: NodeId,
        outcome: Outcome,
    },
    /// A call ended that had outlived its request.
    DetachedEnded {
        node: NodeId,
        report: Option<Report>,
        expected: Option<Report>,
    },
    /// A request told of a node; `expected` is what it ought to have told.
    Told {
        request: RequestId,
        report: Report,
        expected: Option<Report>,
    },
    WantedRefresh(RequestId),
    Waited {
        request: RequestId,
        until: Moment,
        wait: Wait,
    },
    Ended {
        request: RequestId,
        result: Result<AttemptId, NoInvoice>,
        attempts: u32,
    },
    RefreshBegan,
    DiscoveryAsked,
    DiscoveryFailed,
    Turned(BackendAddress),
    /// Discovery's own records changed, which the fleet is not told yet.
    Edited(BackendAddress),
    Updated {
        told: [Vec<BackendAddress>; 4],
        expected: [Vec<BackendAddress>; 4],
    },
    CheckBegan(NodeId),
    Checked(NodeId, Check, Option<HealthChange>),
    Reported {
        report: Report,
        change: Option<HealthChange>,
        expected: Option<HealthChange>,
        /// How long the node is put aside for by this report.
        aside: Option<Duration>,
        expected_aside: Option<Duration>,
    },
    Published {
        /// The partitions with a new picker, by index.
        changed: Vec<usize>,
        /// Those that a node had left by a move to others, which does not wait.
        left: BTreeSet<usize>,
        due: Option<Moment>,
    },
}

/// A call that a request began.
#[derive(Debug, Clone)]
pub struct Asked {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub node: NodeId,
    /// What the node itself says of being open.
    pub open: bool,
    pub manner: Option<Manner>,
    pub limit: Moment,
    /// How many candidates (trials, for a trial) were left with this one: at least, at most.
    pub left: (usize, usize),
    /// Whether this round had asked the node before.
    pub again: bool,
    /// Calls of this request under way beside it: candidates, and trials.
    pub beside: (usize, usize),
    /// When the request's last candidate was asked.
    pub last_candidate: Option<Moment>,
    /// Other calls under way that hold the node's right to be tried.
    pub other_trials: usize,
    /// Where the run that it belongs to stands: in range, the others, the ejected; and where it stood.
    pub rank: Option<(u8, u8)>,
}
