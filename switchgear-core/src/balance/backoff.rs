use std::time::Duration;

use rand_core::Rng;

use crate::invalid::InvalidValue;

/// How long to wait between two rounds. It says, and never sleeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backoff {
    /// One round, and no more.
    Stop,
    /// Longer and longer, with jitter.
    Exponential(Exponential),
}

impl Backoff {
    /// An exponential back-off; see [`Exponential::try_new`].
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn try_exponential(
        initial: Duration,
        multiplier: f64,
        randomization: f64,
        max_interval: Duration,
    ) -> Result<Self, InvalidValue> {
        Exponential::try_new(initial, multiplier, randomization, max_interval)
            .map(Self::Exponential)
    }

    /// The wait after `rounds` rounds (at least one), or `None` when there is to be no other.
    pub fn delay(&self, rounds: u32, rng: &mut dyn Rng) -> Option<Duration> {
        match self {
            Self::Stop => None,
            Self::Exponential(exponential) => Some(exponential.delay(rounds, rng)),
        }
    }
}

/// `initial × multiplier^(rounds − 1)`, at most `max_interval`, then spread evenly over
/// ± `randomization` of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    initial: Duration,
    multiplier: f64,
    randomization: f64,
    max_interval: Duration,
}

impl Exponential {
    /// Checks the values.
    ///
    /// # Errors
    /// When `initial` is zero or above `max_interval`, `multiplier` is below 1 or not finite, or
    /// `randomization` is not within 0 to 1.
    pub fn try_new(
        initial: Duration,
        multiplier: f64,
        randomization: f64,
        max_interval: Duration,
    ) -> Result<Self, InvalidValue> {
        if initial.is_zero() {
            return Err(InvalidValue::new(
                "initial-interval-secs",
                "must be above 0",
            ));
        }
        if initial > max_interval {
            return Err(InvalidValue::new(
                "max-interval-secs",
                "must not be below initial-interval-secs",
            ));
        }
        if !(multiplier.is_finite() && multiplier >= 1.0) {
            return Err(InvalidValue::new("multiplier", "must be a number from 1"));
        }
        if !(0.0..=1.0).contains(&randomization) {
            return Err(InvalidValue::new(
                "randomization-factor",
                "must be within 0 to 1",
            ));
        }
        Ok(Self {
            initial,
            multiplier,
            randomization,
            max_interval,
        })
    }

    fn delay(&self, rounds: u32, rng: &mut dyn Rng) -> Duration {
        let exponent = i32::try_from(rounds.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.multiplier.powi(exponent);
        // `min` also turns an overflow to infinity into the cap.
        let centre = grown.min(self.max_interval.as_secs_f64());
        let spread = self.randomization * (2.0 * unit(rng) - 1.0);
        Duration::try_from_secs_f64(centre * (1.0 + spread)).unwrap_or(self.max_interval)
    }
}

/// An even draw from 0 to 1, 1 excluded.
fn unit(rng: &mut dyn Rng) -> f64 {
    const STEPS: f64 = (1_u64 << 53) as f64;
    (rng.next_u64() >> 11) as f64 / STEPS
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn doubles_to_its_cap_and_stays_within_the_spread() {
        let mut rng = StdRng::seed_from_u64(7);
        let backoff = Backoff::try_exponential(SECOND, 2.0, 0.5, 8 * SECOND).unwrap();
        for (rounds, centre) in [
            (1, 1.0),
            (2, 2.0),
            (3, 4.0),
            (4, 8.0),
            (5, 8.0),
            (u32::MAX, 8.0),
        ] {
            let mut seen = [f64::MAX, f64::MIN];
            for _ in 0..1_000 {
                let delay = backoff.delay(rounds, &mut rng).unwrap().as_secs_f64();
                assert!(
                    (centre * 0.5..=centre * 1.5).contains(&delay),
                    "{rounds}: {delay}"
                );
                seen = [seen[0].min(delay), seen[1].max(delay)];
            }
            assert!(
                seen[0] < centre * 0.6 && seen[1] > centre * 1.4,
                "{rounds}: {seen:?}"
            );
        }
        assert_eq!(Backoff::Stop.delay(1, &mut rng), None);
    }

    #[test]
    fn refuses_values_that_make_no_sense() {
        let field = |initial, multiplier, randomization, max| {
            Backoff::try_exponential(initial, multiplier, randomization, max)
                .unwrap_err()
                .field()
        };
        assert_eq!(
            field(Duration::ZERO, 2.0, 0.5, SECOND),
            "initial-interval-secs"
        );
        assert_eq!(field(2 * SECOND, 2.0, 0.5, SECOND), "max-interval-secs");
        for multiplier in [0.9, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(field(SECOND, multiplier, 0.5, SECOND), "multiplier");
        }
        for randomization in [-0.1, 1.1, f64::NAN] {
            assert_eq!(
                field(SECOND, 2.0, randomization, SECOND),
                "randomization-factor"
            );
        }
    }
}
