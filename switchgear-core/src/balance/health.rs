use std::num::NonZeroU32;

use crate::Moment;

/// How many checks in a row flip a node's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthThresholds {
    /// Successes in a row that make an unhealthy node healthy.
    pub rise: NonZeroU32,
    /// Failures in a row that make a healthy node unhealthy.
    pub fall: NonZeroU32,
}

impl Default for HealthThresholds {
    /// One each: the first check to differ decides.
    fn default() -> Self {
        Self {
            rise: NonZeroU32::MIN,
            fall: NonZeroU32::MIN,
        }
    }
}

/// What a node's active checks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HealthState {
    /// Not checked yet.
    Unknown,
    /// Checks succeed.
    Healthy,
    /// Checks fail.
    Unhealthy,
}

/// What an administrator is told of a node.
///
/// ```text
///   disabled ◀──▶ enabled: draining (weight 0) ◀──▶ taking part: unknown, healthy, unhealthy
/// ```
///
/// Disabled and draining are the administrator's own words and stand before what checks say. A node that
/// drains is checked on, and its past is kept; one that was disabled begins anew as unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// Takes no part: not asked, not checked.
    Disabled,
    /// Has no weight: takes nothing, and is checked.
    Draining,
    /// Was not checked yet.
    Unknown,
    /// Checks succeed.
    Healthy,
    /// Checks fail.
    Unhealthy,
}

/// A node's active health. Calls for invoices are judged apart, by
/// [`Ejection`](super::Ejection).
///
/// ```text
///                    first check good
///        ┌──────────────────────────────────────┐
///        │                                      ▼
///   ┌─────────┐                            ┌─────────┐
///   │ unknown │                            │ healthy │
///   └─────────┘                            └─────────┘
///        │                                  │      ▲
///        │                   `fall` failures│      │`rise` successes
///        │                          in a row▼      │in a row
///        │ first check bad                ┌───────────┐
///        └───────────────────────────────▶│ unhealthy │
///                                         └───────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    state: HealthState,
    since: Moment,
    successes: u32,
    failures: u32,
}

impl Health {
    /// A node that was never checked.
    pub fn new(now: Moment) -> Self {
        Self {
            state: HealthState::Unknown,
            since: now,
            successes: 0,
            failures: 0,
        }
    }

    /// The present state.
    pub fn state(&self) -> HealthState {
        self.state
    }

    /// When the present state began.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Checks in a row that succeeded, zero after a failure.
    pub fn consecutive_successes(&self) -> u32 {
        self.successes
    }

    /// Checks in a row that failed, zero after a success.
    pub fn consecutive_failures(&self) -> u32 {
        self.failures
    }

    /// Takes a check's result; says whether it changed the state.
    pub fn check(&mut self, good: bool, thresholds: HealthThresholds, now: Moment) -> bool {
        if good {
            self.successes = self.successes.saturating_add(1);
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.successes = 0;
        }
        let next = match self.state {
            HealthState::Unknown if good => HealthState::Healthy,
            HealthState::Unknown => HealthState::Unhealthy,
            HealthState::Healthy if self.failures >= thresholds.fall.get() => {
                HealthState::Unhealthy
            }
            HealthState::Unhealthy if self.successes >= thresholds.rise.get() => {
                HealthState::Healthy
            }
            state => state,
        };
        let changed = next != self.state;
        if changed {
            self.state = next;
            self.since = now;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thresholds(rise: u32, fall: u32) -> HealthThresholds {
        HealthThresholds {
            rise: NonZeroU32::new(rise).unwrap(),
            fall: NonZeroU32::new(fall).unwrap(),
        }
    }

    /// The state after each of `checks`, `+` for a good one and `-` for a bad one.
    fn states(thresholds: HealthThresholds, checks: &str) -> String {
        let mut health = Health::new(Moment::ORIGIN);
        checks
            .chars()
            .map(|check| {
                health.check(check == '+', thresholds, Moment::ORIGIN);
                match health.state() {
                    HealthState::Unknown => '?',
                    HealthState::Healthy => 'H',
                    HealthState::Unhealthy => 'U',
                }
            })
            .collect()
    }

    #[test]
    fn lets_the_first_result_decide() {
        assert_eq!(states(thresholds(5, 5), "+"), "H");
        assert_eq!(states(thresholds(5, 5), "-"), "U");
    }

    #[test]
    fn flips_after_as_many_in_a_row_as_the_thresholds_say() {
        assert_eq!(states(thresholds(1, 1), "+-+-"), "HUHU");
        assert_eq!(states(thresholds(2, 3), "+--+---++"), "HHHHHHUUH");
        assert_eq!(states(thresholds(3, 1), "-++-+++"), "UUUUUUH");
    }

    #[test]
    fn tells_a_change_and_when_it_was() {
        let mut health = Health::new(Moment::ORIGIN);
        let later = Moment::from_nanos(5);
        assert!(health.check(true, thresholds(1, 2), later));
        let lasting = thresholds(1, 3);
        assert!(!health.check(true, lasting, Moment::from_nanos(6)));
        let in_a_row = |health: &Health| {
            (
                health.consecutive_successes(),
                health.consecutive_failures(),
            )
        };
        assert_eq!(in_a_row(&health), (2, 0));
        assert!(!health.check(false, lasting, Moment::from_nanos(7)));
        assert!(!health.check(false, lasting, Moment::from_nanos(8)));
        assert_eq!(in_a_row(&health), (0, 2));
        assert_eq!(health.since(), later);
    }
}
