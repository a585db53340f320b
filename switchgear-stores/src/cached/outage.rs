use std::{fmt::Display, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long one warning speaks for all that follow.
const WARNING_PERIOD: Duration = Duration::from_secs(60);

/// Whether the store answers, for the log and for the figures.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The age of the oldest answer that was served instead of the store's, since it stopped answering.
    oldest_served: Option<Duration>,
    warned: Option<Instant>,
    /// Whether this outage was warned of, so that its end is worth a line.
    is_told: bool,
}

impl Outage {
    pub(super) fn answered(&self) {
        let was_told = {
            let mut state = self.0.lock();
            state.oldest_served = None;
            std::mem::take(&mut state.is_told)
        };
        if was_told {
            tracing::info!("the store of offers answers again");
        }
    }

    pub(super) fn failed(&self, now: Instant, why: impl Display) {
        let is_due = {
            let mut state = self.0.lock();
            let is_recent = |warned| now.saturating_duration_since(warned) < WARNING_PERIOD;
            let is_due = !state.warned.is_some_and(is_recent);
            if is_due {
                state.warned = Some(now);
                state.is_told = true;
            }
            is_due
        };
        if is_due {
            tracing::warn!(
                "the store of offers does not answer, offers are served as they were: {why}"
            );
        }
    }

    pub(super) fn served(&self, age: Duration) {
        let mut state = self.0.lock();
        state.oldest_served = state.oldest_served.max(Some(age));
    }

    pub(super) fn stale_age(&self) -> Option<Duration> {
        self.0.lock().oldest_served
    }
}
