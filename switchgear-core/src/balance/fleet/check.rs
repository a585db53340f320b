use super::{Fleet, HealthState, NodeId, Reading};
use crate::{Millisatoshi, Moment};

/// The result of a node's active check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The node is well.
    Good {
        /// What it can receive, where it tells.
        inbound: Option<Millisatoshi>,
    },
    /// It is not, or it gave no answer in time.
    Bad,
}

/// How a node's standing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthChange {
    /// Its checks succeed.
    Healthy,
    /// Its checks fail.
    Unhealthy,
    /// Its calls fail; it is put aside.
    Ejected,
    /// It made an invoice and is back.
    Readmitted,
}

impl Fleet {
    /// Takes the result of a node's active check; says how that changed its health, if it did.
    pub fn checked(&mut self, id: NodeId, check: Check, now: Moment) -> Option<HealthChange> {
        let thresholds = self.config.thresholds;
        let (changed, state) = self.amend(id, |entry| {
            entry.node.live().set_checked_at(now);
            let good = matches!(check, Check::Good { .. });
            let changed = entry.health.check(good, thresholds, now);
            (changed, entry.health.state())
        })?;
        if let Check::Good { inbound } = check {
            self.read(id, inbound.map(|inbound| Reading { inbound, at: now }));
        }
        changed.then_some(match state {
            HealthState::Healthy => HealthChange::Healthy,
            HealthState::Unhealthy | HealthState::Unknown => HealthChange::Unhealthy,
        })
    }

    /// Takes a reading. One that changes what the node is in range of is to be published; so is one that
    /// changes nothing, before the published one is too old.
    fn read(&mut self, id: NodeId, reading: Option<Reading>) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let inbound = |reading: Option<Reading>| reading.map(|reading| reading.inbound);
        let changed = inbound(entry.reading) != inbound(reading);
        entry.reading = reading;
        let renewed_after = self.config.reading_lifetime / 3;
        let published = entry.published_reading;
        let is_old = |reading: Reading| {
            published.is_none_or(|published| reading.at.since(published) >= renewed_after)
        };
        if self.config.capacity_bias.is_some() && (changed || reading.is_some_and(is_old)) {
            self.dirty.extend(&entry.partitions);
        }
    }
}
