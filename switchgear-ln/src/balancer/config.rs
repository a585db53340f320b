use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc, time::Duration};

use switchgear_core::{
    Partition,
    balance::{
        Backoff, CapacityBias, DispatchConfig, EjectionPolicy, FleetConfig, HealthThresholds,
        RoundRobin, Strategy,
    },
    ln::Network,
};

/// How a balancer judges its nodes and how long it keeps a request.
#[derive(Debug, Clone)]
pub struct BalancerConfig {
    /// The partitions served.
    pub partitions: BTreeSet<Partition>,
    /// How invoices are shared out among the ready nodes of a partition; by default [`RoundRobin`].
    pub strategy: Arc<dyn Strategy>,
    /// How many nodes one round may ask; by default all, so that no healthy node is passed over.
    pub max_iterations: Option<NonZeroU32>,
    /// Whether nodes with enough inbound capacity for the amount come first, and how much is enough; by
    /// default none does. A node's word counts for three health periods.
    pub capacity_bias: Option<CapacityBias>,
    /// How many checks in a row flip a node's health.
    pub health: HealthThresholds,
    /// From one health check of a node to the next, with a tenth of jitter.
    pub health_period: Duration,
    /// The longest that one health check may take.
    pub health_timeout: Duration,
    /// Whether nodes are checked side by side, or one at a time.
    pub parallel_health_checks: bool,
    /// From one look at discovery to the next. Changes made in this process are heard at once.
    pub discovery_period: Duration,
    /// The longest that one node may take for an invoice.
    pub invoice_timeout: Duration,
    /// With no answer for so long, the next node is asked beside the first.
    pub hedge_after: Option<Duration>,
    /// The wait between two rounds over all nodes.
    pub backoff: Backoff,
    /// From a request to its answer, whatever happens.
    pub deadline: Duration,
    /// What invoices must be for; without it, the network that their node reported.
    pub network: Option<Network>,
    /// Whether invoices are checked before they leave.
    pub verify_invoices: bool,
}

impl BalancerConfig {
    /// The defaults of the manual for `partitions`.
    pub fn new(partitions: BTreeSet<Partition>) -> Self {
        let second = Duration::from_secs(1);
        Self {
            partitions,
            strategy: Arc::new(RoundRobin),
            max_iterations: None,
            capacity_bias: None,
            health: HealthThresholds::default(),
            health_period: second,
            health_timeout: 2 * second,
            parallel_health_checks: true,
            discovery_period: second,
            invoice_timeout: 2 * second,
            hedge_after: None,
            backoff: Backoff::try_exponential(second, 2.0, 0.5, 60 * second)
                .expect("these values are within their ranges"),
            deadline: 5 * second,
            network: None,
            verify_invoices: true,
        }
    }

    pub(super) fn fleet(&self, first_turn: u32) -> FleetConfig {
        FleetConfig {
            thresholds: self.health,
            ejection: EjectionPolicy::from_thresholds(self.health),
            strategy: Arc::clone(&self.strategy),
            capacity_bias: self.capacity_bias,
            reading_lifetime: FleetConfig::reading_lifetime(self.health_period),
            first_turn,
            ..FleetConfig::new(self.partitions.clone())
        }
    }

    pub(super) fn dispatch(&self) -> DispatchConfig {
        DispatchConfig {
            deadline: self.deadline,
            attempt_limit: self.invoice_timeout,
            hedge_after: self.hedge_after,
            max_iterations: self.max_iterations,
            backoff: self.backoff,
        }
    }
}
