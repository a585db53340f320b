use std::{num::NonZeroU32, time::Duration};

use super::HealthThresholds;
use crate::Moment;

/// When failed invoice calls put a node aside, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EjectionPolicy {
    /// Failed calls in a row that eject.
    pub failures: NonZeroU32,
    /// The first wait before a probe; it doubles with each probe that fails.
    pub initial: Duration,
    /// The longest wait, and how long a node must serve before its past is forgotten.
    pub max: Duration,
}

impl EjectionPolicy {
    const FEWEST: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");

    /// What follows from the thresholds of the active checks: at least three failures, then 1 s
    /// doubling to 60 s.
    pub fn from_thresholds(thresholds: HealthThresholds) -> Self {
        Self {
            failures: thresholds.fall.max(Self::FEWEST),
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
        }
    }
}

/// A node's passive health: what its invoice calls say.
///
/// ```text
///              `failures` failed calls in a row
///   ┌─────────┐  (unless the last ready node)   ┌─────────┐ ──┐
///   │ serving │ ──────────────────────────────▶ │ ejected │   │ a probe fails: the wait doubles
///   └─────────┘ ◀────────────────────────────── └─────────┘ ◀─┘
///                  an invoice call succeeds
/// ```
///
/// An active success does not end an ejection: a deadlocked node answers its checks while calls
/// for invoices hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ejection {
    state: State,
    level: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Serving { since: Option<Moment> },
    Ejected { probe_at: Moment },
}

impl Default for State {
    fn default() -> Self {
        Self::Serving { since: None }
    }
}

impl Ejection {
    /// Whether the node is put aside.
    pub fn is_ejected(&self) -> bool {
        matches!(self.state, State::Ejected { .. })
    }

    /// From when on a probe may ask the node, while it is ejected.
    pub fn probe_at(&self) -> Option<Moment> {
        match self.state {
            State::Serving { .. } => None,
            State::Ejected { probe_at } => Some(probe_at),
        }
    }

    /// Puts the node aside, or, when a probe failed, leaves it there for twice as long.
    pub fn eject(&mut self, policy: &EjectionPolicy, now: Moment) {
        if let State::Serving { since } = self.state {
            let served = since.map_or(policy.max, |since| now.since(since));
            if served >= policy.max {
                self.level = 0;
            }
        }
        let factor = 1_u32.checked_shl(self.level).unwrap_or(u32::MAX);
        let wait = policy.initial.saturating_mul(factor).min(policy.max);
        self.level = self.level.saturating_add(1);
        self.state = State::Ejected {
            probe_at: now + wait,
        };
    }

    /// Takes the node back after a successful call; says whether it was ejected.
    pub fn readmit(&mut self, now: Moment) -> bool {
        let was_ejected = self.is_ejected();
        if was_ejected {
            self.state = State::Serving { since: Some(now) };
        }
        was_ejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(secs))
    }

    #[test]
    fn doubles_the_wait_to_its_cap() {
        let policy = EjectionPolicy::from_thresholds(HealthThresholds::default());
        let mut ejection = Ejection::default();
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            ejection.eject(&policy, secs(100));
            assert_eq!(ejection.probe_at(), Some(secs(100 + wait)));
        }
        for _ in 0..100 {
            ejection.eject(&policy, secs(100));
        }
        assert_eq!(ejection.probe_at(), Some(secs(160)));
    }

    #[test]
    fn remembers_a_flapping_node_until_it_has_served_for_a_while() {
        let policy = EjectionPolicy::from_thresholds(HealthThresholds::default());
        let mut ejection = Ejection::default();
        ejection.eject(&policy, secs(0));
        assert!(ejection.readmit(secs(1)));
        assert!(!ejection.readmit(secs(1)));
        ejection.eject(&policy, secs(30));
        assert_eq!(
            ejection.probe_at(),
            Some(secs(32)),
            "it had served for 29 s only"
        );
        ejection.readmit(secs(32));
        ejection.eject(&policy, secs(92));
        assert_eq!(
            ejection.probe_at(),
            Some(secs(93)),
            "it had served for 60 s"
        );
    }

    #[test]
    fn needs_three_failures_at_least() {
        let policy = |fall| {
            EjectionPolicy::from_thresholds(HealthThresholds {
                fall: NonZeroU32::new(fall).unwrap(),
                ..HealthThresholds::default()
            })
            .failures
            .get()
        };
        assert_eq!((policy(1), policy(3), policy(7)), (3, 3, 7));
    }
}
