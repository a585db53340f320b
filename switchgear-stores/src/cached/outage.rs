use std::{fmt::Display, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long one warning speaks for all of its kind that follow.
const WARNING_PERIOD: Duration = Duration::from_secs(60);

/// Whether the store answers, for the log and for the figures.
#[derive(Debug)]
pub(super) struct Outage {
    /// How long a store must go without failures before another key's answer ends the outage.
    calm: Duration,
    state: Mutex<State>,
}

/// A load that failed, or takes too long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) fingerprint: u64,
    /// Whether an older offer is served instead.
    pub(super) has_fallback: bool,
}

#[derive(Debug, Default)]
struct State {
    /// The age of the oldest answer that was served instead of the store's, since it stopped answering.
    oldest_served: Option<Duration>,
    /// When the store failed, or an older answer was served, for the last time.
    troubled: Option<Instant>,
    /// What was asked when it failed for the last time.
    failing: Option<u64>,
    warned_of_older: Option<Instant>,
    warned_of_none: Option<Instant>,
    /// Whether this outage was warned of, so that its end is worth a line.
    is_told: bool,
}

impl Outage {
    pub(super) fn new(calm: Duration) -> Self {
        Self {
            calm,
            state: Mutex::default(),
        }
    }

    /// A load was answered. A store that answers some and fails others is not well yet.
    pub(super) fn answered(&self, now: Instant, fingerprint: u64) {
        let was_told = {
            let mut state = self.state.lock();
            let is_recent = |troubled| now.saturating_duration_since(troubled) < self.calm;
            if state.failing != Some(fingerprint) && state.troubled.is_some_and(is_recent) {
                return;
            }
            state.oldest_served = None;
            state.troubled = None;
            state.failing = None;
            std::mem::take(&mut state.is_told)
        };
        if was_told {
            tracing::info!("the store of offers answers again");
        }
    }

    pub(super) fn failed(&self, now: Instant, failure: Failure, why: impl Display) {
        self.state.lock().failing = Some(failure.fingerprint);
        self.warn(now, failure.has_fallback, why);
    }

    /// A look-up for which the store was not asked, because so many wait for it.
    pub(super) fn crowded(&self, now: Instant, has_fallback: bool, why: impl Display) {
        self.warn(now, has_fallback, why);
    }

    pub(super) fn served(&self, now: Instant, age: Duration) {
        let mut state = self.state.lock();
        state.troubled = Some(now);
        state.oldest_served = state.oldest_served.max(Some(age));
    }

    pub(super) fn stale_age(&self) -> Option<Duration> {
        self.state.lock().oldest_served
    }

    fn warn(&self, now: Instant, has_fallback: bool, why: impl Display) {
        let is_due = self.state.lock().trouble(now, has_fallback);
        if !is_due {
            return;
        }
        if has_fallback {
            tracing::warn!(
                "the store of offers does not answer, offers are served as they were: {why}"
            );
        } else {
            tracing::warn!(
                "the store of offers does not answer, and look-ups fail that the cache has no offer \
                 for: {why}"
            );
        }
    }
}

impl State {
    /// Notes that the store does not answer; whether a warning of it is due.
    fn trouble(&mut self, now: Instant, has_fallback: bool) -> bool {
        self.troubled = Some(now);
        let warned = if has_fallback {
            &mut self.warned_of_older
        } else {
            &mut self.warned_of_none
        };
        let is_recent = |warned| now.saturating_duration_since(warned) < WARNING_PERIOD;
        if warned.is_some_and(is_recent) {
            return false;
        }
        *warned = Some(now);
        self.is_told = true;
        true
    }
}
