use std::sync::Arc;

use super::FleetNode;
use crate::{
    Moment,
    backend::Backend,
    balance::{Ejection, Health, HealthState, Node, NodeState, PartitionNumber, Reading},
};

/// A node, and all that is judged of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) node: Arc<Node>,
    pub(super) backend: Backend,
    /// Those of its partitions that the fleet serves.
    pub(super) partitions: Box<[PartitionNumber]>,
    pub(super) health: Health,
    pub(super) ejection: Ejection,
    pub(super) reading: Option<Reading>,
    /// When the reading that requests see was taken.
    pub(super) published_reading: Option<Moment>,
    /// The last snapshot that listed it.
    pub(super) listed_in: u64,
}

/// What may be asked of a node, in each of its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Disabled or draining: nothing.
    Out,
    /// Unhealthy or unknown: trials, while nobody is ready.
    Dormant,
    /// Put aside: what the others failed at, and probes.
    Ejected,
    Ready,
}

impl Entry {
    pub(super) fn standing(&self) -> Standing {
        if !self.backend.enabled || self.backend.weight.is_zero() {
            Standing::Out
        } else if self.health.state() != HealthState::Healthy {
            Standing::Dormant
        } else if self.ejection.is_ejected() {
            Standing::Ejected
        } else {
            Standing::Ready
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.standing() == Standing::Ready
    }

    pub(super) fn state(&self) -> NodeState {
        match self.health.state() {
            _ if !self.backend.enabled => NodeState::Disabled,
            _ if self.backend.weight.is_zero() => NodeState::Draining,
            HealthState::Unknown => NodeState::Unknown,
            HealthState::Healthy => NodeState::Healthy,
            HealthState::Unhealthy => NodeState::Unhealthy,
        }
    }

    /// Begins anew, as with a node that was never seen.
    pub(super) fn forget(&mut self, now: Moment) {
        self.health = Health::new(now);
        self.ejection = Ejection::default();
        self.reading = None;
        self.published_reading = None;
        self.node.live().set_probe_at(None);
        self.node.live().forget_failures();
    }

    /// Whether the fleet still waits for the node's first check.
    pub(super) fn is_awaited(&self) -> bool {
        self.backend.enabled && self.health.state() == HealthState::Unknown
    }

    /// Brings the node's live flags in line with what is judged of it.
    pub(super) fn refresh_flags(&self) {
        let trusted = self.health.state() == HealthState::Healthy && !self.ejection.is_ejected();
        self.node.live().set_trusted(trusted);
        self.node.live().set_open(self.standing() != Standing::Out);
    }

    pub(super) fn describe(&self) -> FleetNode {
        FleetNode {
            id: self.node.id(),
            backend: self.backend.clone(),
        }
    }
}
