use std::{collections::BTreeMap, fmt, ops::Range, time::Duration};

use crate::load::Sample;

/// The requests that were due in one stretch of time, and what became of them.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) sent: usize,
    /// Why each request failed that did.
    pub(crate) failures: Vec<String>,
    /// How many invoices each node made.
    pub(crate) made: BTreeMap<String, usize>,
    /// From the moment when a request was due to its end, in order.
    times: Vec<Duration>,
    /// How late the load generator itself was with each, in order.
    lags: Vec<Duration>,
}

impl Window {
    /// Of the samples due in `range`, counted from the load's start.
    pub(crate) fn of(samples: &[Sample], range: Range<Duration>) -> Self {
        let mut window = Self {
            sent: 0,
            failures: Vec::new(),
            made: BTreeMap::new(),
            times: Vec::new(),
            lags: Vec::new(),
        };
        for sample in samples.iter().filter(|sample| range.contains(&sample.due)) {
            window.sent += 1;
            window.times.push(sample.took);
            window.lags.push(sample.lag);
            match &sample.outcome {
                Ok(node) => *window.made.entry(node.clone()).or_default() += 1,
                Err(error) => window.failures.push(error.clone()),
            }
        }
        window.times.sort_unstable();
        window.lags.sort_unstable();
        window
    }

    pub(crate) fn failed(&self) -> usize {
        self.failures.len()
    }

    /// What one percent of the requests exceeded.
    pub(crate) fn p99(&self) -> Timing {
        self.timing(0.99)
    }

    pub(crate) fn p50(&self) -> Timing {
        self.timing(0.5)
    }

    pub(crate) fn slowest(&self) -> Timing {
        self.timing(1.0)
    }

    fn timing(&self, quantile: f64) -> Timing {
        Timing {
            time: at(&self.times, quantile),
            lag: at(&self.lags, quantile),
        }
    }

    /// The part of all invoices that one node made, in percent.
    pub(crate) fn share(&self, node: &str) -> f64 {
        let all: usize = self.made.values().sum();
        let own = self.made.get(node).copied().unwrap_or_default();
        percent(own, all)
    }

    /// `400 sent, 0 failed, p50 2.1 ms, p99 9.0 ms, slowest 12.3 ms`
    pub(crate) fn in_words(&self) -> String {
        format!(
            "{} sent, {} failed, p50 {}, p99 {}, slowest {}",
            self.sent,
            self.failed(),
            self.p50(),
            self.p99(),
            self.slowest()
        )
    }

    /// The first reasons of its failures, for who reads why a test failed.
    pub(crate) fn reasons(&self) -> String {
        let mut reasons = BTreeMap::<_, usize>::new();
        for reason in &self.failures {
            *reasons.entry(reason).or_default() += 1;
        }
        let shown = reasons.iter().take(5);
        let shown: Vec<_> = shown
            .map(|(why, count)| format!("{count} x {why}"))
            .collect();
        shown.join("; ")
    }
}

/// How long requests took, and how late the load generator was at the same rank: the machine's own
/// doing, since an idle one wakes a task within a millisecond or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) time: Duration,
    pub(crate) lag: Duration,
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1?}", self.time)
    }
}

/// A part of a whole in percent; 0 of nothing.
pub(crate) fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    100.0 * part as f64 / whole as f64
}

fn at(sorted: &[Duration], quantile: f64) -> Duration {
    let index = (sorted.len() as f64 * quantile) as usize;
    let index = index.min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_worst_of_a_hundred_for_what_one_percent_exceed() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(at(&times, 0.99), Duration::from_millis(100));
        assert_eq!(at(&times, 0.5), Duration::from_millis(51));
        assert_eq!(at(&[], 0.99), Duration::ZERO);
    }
}
