use std::time::Duration;

use rand::{RngExt as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi, Moment,
    balance::{Check, Outcome},
    ln::Blame,
};

/// How a scripted node behaves. Calls and checks are apart: a node may answer its checks while its
/// calls hang.
#[derive(Debug, Clone, Copy)]
pub struct Conduct {
    pub calls: Calls,
    pub checks: Checks,
}

/// What comes of invoice calls.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    pub latency: Latency,
    /// How many of a hundred calls fail, and by whose fault.
    pub failing: u8,
    pub blame: Blame,
    /// How many of a hundred calls are never answered.
    pub hanging: u8,
}

/// What comes of health checks.
#[derive(Debug, Clone, Copy)]
pub struct Checks {
    pub good: bool,
    /// Whether they are never answered.
    pub hanging: bool,
    pub inbound: Option<Millisatoshi>,
    pub latency: Latency,
}

/// How long answers take: most of them `usual`, up to half as long again; one in `tail`, ten times that.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    pub usual: Duration,
    /// Zero for no tail.
    pub tail: u8,
    /// Until when the node is starting, and how much longer it takes then.
    pub starting: Option<(Moment, Duration)>,
}

impl Latency {
    pub fn of(usual: Duration) -> Self {
        Self {
            usual,
            tail: 0,
            starting: None,
        }
    }

    fn draw(&self, now: Moment, rng: &mut StdRng) -> Duration {
        let mut latency = self.usual.mul_f64(rng.random_range(1.0..1.5));
        if self.tail > 0 && rng.random_range(0..self.tail) == 0 {
            latency *= 10;
        }
        match self.starting {
            Some((until, slower)) if now < until => latency + slower,
            _ => latency,
        }
    }
}

impl Conduct {
    /// A node that is well, and answers in about `usual`.
    pub fn good(usual: Duration) -> Self {
        Self {
            calls: Calls {
                latency: Latency::of(usual),
                failing: 0,
                blame: Blame::Node,
                hanging: 0,
            },
            checks: Checks {
                good: true,
                hanging: false,
                inbound: Some(Millisatoshi::from_sat(1_000_000)),
                latency: Latency::of(Duration::from_millis(2)),
            },
        }
    }

    /// A node that is down: its port refuses calls and checks at once.
    pub fn dead() -> Self {
        let mut conduct = Self::good(Duration::from_millis(1));
        conduct.calls.failing = 100;
        conduct.checks.good = false;
        conduct
    }

    /// This one, with `failing` of a hundred calls failing by `blame`'s fault.
    pub fn failing(mut self, failing: u8, blame: Blame) -> Self {
        self.calls.failing = failing;
        self.calls.blame = blame;
        self
    }

    /// This one, with `hanging` of a hundred calls never answered.
    pub fn hanging(mut self, hanging: u8) -> Self {
        self.calls.hanging = hanging;
        self
    }

    /// When and how a call that begins at `now` is answered; `None` for never.
    pub fn answer(&self, now: Moment, rng: &mut StdRng) -> Option<(Moment, Outcome)> {
        if rng.random_range(0..100) < self.calls.hanging {
            return None;
        }
        let outcome = if rng.random_range(0..100) < self.calls.failing {
            Outcome::Failed(self.calls.blame)
        } else {
            Outcome::Invoice
        };
        Some((now + self.calls.latency.draw(now, rng), outcome))
    }

    /// When and how a check that begins at `now` ends, which is after `timeout` at the latest.
    pub fn check(&self, now: Moment, timeout: Duration, rng: &mut StdRng) -> (Moment, Check) {
        let latency = self.checks.latency.draw(now, rng);
        if self.checks.hanging || latency >= timeout {
            return (now + timeout, Check::Bad);
        }
        let check = if self.checks.good {
            Check::Good {
                inbound: self.checks.inbound,
            }
        } else {
            Check::Bad
        };
        (now + latency, check)
    }
}
