//! What a comparison has to show.

use std::fmt;

use super::{Estimate, report::figure};

/// A bound on the ratio of subject to baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The ratio is at most this.
    AtMost(f64),
    /// The ratio is at least this.
    AtLeast(f64),
    /// Both sides are the same code: the ratio is 1, this much more or less.
    Same(f64),
    /// The ratio is reported and nothing is asked of it.
    Reported,
}

impl Target {
    /// Whether the whole interval of `ratio` is within this target; of what is only reported it always
    /// is.
    #[must_use]
    pub fn holds(&self, ratio: &Estimate) -> bool {
        match *self {
            Self::AtMost(bound) => ratio.high <= bound,
            Self::AtLeast(bound) => ratio.low >= bound,
            Self::Same(tolerance) => ratio.low >= 1.0 - tolerance && ratio.high <= 1.0 + tolerance,
            Self::Reported => true,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(formatter, "≤ {}", figure(*bound)),
            Self::AtLeast(bound) => write!(formatter, "≥ {}", figure(*bound)),
            Self::Same(tolerance) => write!(formatter, "1 ± {tolerance}"),
            Self::Reported => formatter.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATIO: Estimate = Estimate {
        median: 1.0,
        low: 0.98,
        high: 1.02,
    };

    #[test]
    fn a_bound_is_held_by_the_whole_interval() {
        assert!(Target::AtMost(1.02).holds(&RATIO));
        assert!(!Target::AtMost(1.01).holds(&RATIO));
        assert!(Target::AtLeast(0.98).holds(&RATIO));
        assert!(!Target::AtLeast(0.99).holds(&RATIO));
    }

    #[test]
    fn the_same_code_is_held_from_both_sides() {
        assert!(Target::Same(0.03).holds(&RATIO));
        assert!(!Target::Same(0.03).holds(&Estimate { low: 0.96, ..RATIO }));
        assert!(!Target::Same(0.03).holds(&Estimate {
            high: 1.04,
            ..RATIO
        }));
    }

    #[test]
    fn what_is_not_a_number_holds_no_bound() {
        let nothing = Estimate {
            median: f64::NAN,
            low: f64::NAN,
            high: f64::NAN,
        };
        assert!(!Target::AtMost(1.0).holds(&nothing));
        assert!(!Target::AtLeast(1.0).holds(&nothing));
        assert!(!Target::Same(1.0).holds(&nothing));
    }
}
