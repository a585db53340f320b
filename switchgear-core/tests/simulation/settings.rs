use std::{num::NonZeroU32, sync::Arc, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_core::balance::{
    Backoff, CapacityBias, DispatchConfig, EjectionPolicy, FleetConfig, HealthThresholds,
    RoundRobin, Strategy,
};

use super::backends::partition;

/// What a simulation is set to.
#[derive(Debug, Clone)]
pub struct Settings {
    pub partitions: usize,
    pub strategy: Arc<dyn Strategy>,
    pub bias: Option<CapacityBias>,
    pub thresholds: HealthThresholds,
    pub dispatch: DispatchConfig,
    pub check_period: Duration,
    pub check_timeout: Duration,
    pub discovery_period: Duration,
    /// How long reports are on their way to the fleet's owner, and changes to their publication.
    pub lag: Duration,
    pub seed: u64,
}

impl Default for Settings {
    /// The defaults of a configuration: rounds for up to 5 s, 2 s for an attempt, a check a second.
    fn default() -> Self {
        Self {
            partitions: 1,
            strategy: Arc::new(RoundRobin),
            bias: None,
            thresholds: HealthThresholds::default(),
            dispatch: DispatchConfig {
                deadline: Duration::from_secs(5),
                attempt_limit: Duration::from_secs(2),
                hedge_after: None,
                max_iterations: None,
                backoff: Self::backoff(Duration::from_millis(500)),
            },
            check_period: Duration::from_secs(1),
            check_timeout: Duration::from_secs(2),
            discovery_period: Duration::from_secs(1),
            lag: Duration::ZERO,
            seed: 1,
        }
    }
}

impl Settings {
    /// A back-off that no wait of another kind can be taken for.
    pub fn backoff(initial: Duration) -> Backoff {
        Backoff::try_exponential(initial, 1.7, 0.3, Duration::from_secs(7))
            .expect("the values are within their ranges")
    }

    /// The least that can lie between two rounds behind so many of them; `None` when no other may follow.
    pub fn shortest_rest(&self, rounds: u32) -> Option<Duration> {
        // Any two draws are within 1.3 and 0.7 of the same centre.
        let any = self
            .dispatch
            .backoff
            .delay(rounds, &mut StdRng::seed_from_u64(0))?;
        Some(any * 7 / 13)
    }

    pub fn thresholds(rise: u32, fall: u32) -> HealthThresholds {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        HealthThresholds {
            rise: number(rise),
            fall: number(fall),
        }
    }

    pub fn ejection(&self) -> EjectionPolicy {
        EjectionPolicy::from_thresholds(self.thresholds)
    }

    pub fn reading_lifetime(&self) -> Duration {
        FleetConfig::reading_lifetime(self.check_period)
    }

    pub fn fleet(&self) -> FleetConfig {
        FleetConfig {
            thresholds: self.thresholds,
            ejection: self.ejection(),
            strategy: Arc::clone(&self.strategy),
            capacity_bias: self.bias,
            reading_lifetime: self.reading_lifetime(),
            ..FleetConfig::new((0..self.partitions).map(partition).collect())
        }
    }
}
