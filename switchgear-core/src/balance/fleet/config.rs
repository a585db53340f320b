use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    Partition,
    balance::{CapacityBias, EjectionPolicy, HealthThresholds, RoundRobin, Strategy},
};

/// What a fleet is and how it judges.
#[derive(Debug, Clone)]
pub struct FleetConfig {
    /// The partitions served; nodes of no other are kept.
    pub partitions: BTreeSet<Partition>,
    /// How many checks in a row flip a node's health.
    pub thresholds: HealthThresholds,
    /// When failed calls put a node aside.
    pub ejection: EjectionPolicy,
    /// How invoices are shared out.
    pub strategy: Arc<dyn Strategy>,
    /// Whether nodes with enough inbound capacity come first, and how much is enough.
    pub capacity_bias: Option<CapacityBias>,
    /// How long a reading of inbound capacity counts.
    pub reading_lifetime: Duration,
    /// Where the turns begin: 0 in tests, random where several instances must not march together.
    pub first_turn: u32,
}

impl FleetConfig {
    /// Round robin from turn 0 over `partitions`, without a capacity bias, for nodes that are checked
    /// every second and whose health each check decides.
    pub fn new(partitions: BTreeSet<Partition>) -> Self {
        let thresholds = HealthThresholds::default();
        Self {
            partitions,
            thresholds,
            ejection: EjectionPolicy::from_thresholds(thresholds),
            strategy: Arc::new(RoundRobin),
            capacity_bias: None,
            reading_lifetime: Self::reading_lifetime(Duration::from_secs(1)),
            first_turn: 0,
        }
    }

    /// How long readings count of nodes that are checked with this period: three of them.
    pub fn reading_lifetime(period: Duration) -> Duration {
        period.saturating_mul(3)
    }
}
