//! What a connection is doing, and until when it may go on like that.
//!
//! hyper's own header timer also runs while a kept-alive connection rests, and not yet while the
//! protocol of a new one is being found out. This one knows the difference:
//!
//! ```text
//!  accepted ──first request──▶ busy ──last answer──▶ resting ──first byte──▶ reading a head
//!  (header timeout)             ▲ │ (request timeout)  (idle timeout)        (header timeout)
//!                               └─┴──────────── request ◀────────────────────────┘
//! ```

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Limits;

/// The state of one connection, shared between its bytes and its requests.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    phase: Phase,
    multiplexed: bool,
    header_timeout: Duration,
    idle_timeout: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Accepted { since: Instant },
    Busy { requests: usize },
    Resting { since: Instant },
    ReadingHead { since: Instant },
}

impl Activity {
    pub(super) fn begin(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(State {
            phase: Phase::Accepted {
                since: Instant::now(),
            },
            multiplexed: false,
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
        })))
    }

    /// When the connection's time is up; never while it is busy, for a request has its own limit.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.0.lock();
        match state.phase {
            Phase::Busy { .. } => None,
            Phase::Resting { since } => Some(since + state.idle_timeout),
            Phase::Accepted { since } | Phase::ReadingHead { since } => {
                Some(since + state.header_timeout)
            }
        }
    }

    /// Whether no request has come yet.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.0.lock().phase, Phase::Accepted { .. })
    }

    /// Whether it lies between two requests.
    pub(super) fn is_resting(&self) -> bool {
        matches!(self.0.lock().phase, Phase::Resting { .. })
    }

    /// Bytes came. On HTTP/2 they say nothing, for idle clients send control frames too.
    pub(super) fn read(&self) {
        let mut state = self.0.lock();
        if matches!(state.phase, Phase::Resting { .. }) && !state.multiplexed {
            state.phase = Phase::ReadingHead {
                since: Instant::now(),
            };
        }
    }

    /// Bytes went: the rest of an answer, while there is no request. On HTTP/2, see above.
    pub(super) fn wrote(&self) {
        let mut state = self.0.lock();
        if matches!(state.phase, Phase::Resting { .. }) && !state.multiplexed {
            state.phase = Phase::Resting {
                since: Instant::now(),
            };
        }
    }

    /// A request came whole; it lasts until the guard is dropped.
    pub(super) fn request(&self, multiplexed: bool) -> RequestGuard {
        let mut state = self.0.lock();
        state.multiplexed |= multiplexed;
        let requests = match state.phase {
            Phase::Busy { requests } => requests + 1,
            _ => 1,
        };
        state.phase = Phase::Busy { requests };
        RequestGuard(self.clone())
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct RequestGuard(Activity);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        if let Phase::Busy { requests } = state.phase {
            state.phase = match requests.checked_sub(1) {
                Some(left) if left > 0 => Phase::Busy { requests: left },
                _ => Phase::Resting {
                    since: Instant::now(),
                },
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn gives_each_phase_its_own_limit() {
        let limits = Limits {
            header_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(7),
            ..Limits::default()
        };
        let left = |activity: &Activity| activity.deadline().map(|end| end - Instant::now());
        let pass = |seconds| tokio::time::advance(Duration::from_secs(seconds));

        let activity = Activity::begin(&limits);
        pass(1).await;
        activity.read();
        assert_eq!(left(&activity), Some(Duration::from_secs(1)));

        let first = activity.request(false);
        let second = activity.request(false);
        drop(first);
        assert_eq!(left(&activity), None);
        drop(second);
        assert_eq!(left(&activity), Some(limits.idle_timeout));

        pass(3).await;
        activity.read();
        assert_eq!(left(&activity), Some(limits.header_timeout));
        pass(1).await;
        activity.read();
        assert_eq!(left(&activity), Some(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn control_frames_do_not_keep_an_idle_connection_open() {
        let limits = Limits::default();
        let activity = Activity::begin(&limits);
        drop(activity.request(true));
        tokio::time::advance(Duration::from_secs(5)).await;
        activity.read();
        activity.wrote();
        let left = activity.deadline().map(|end| end - Instant::now());
        assert_eq!(left, Some(limits.idle_timeout - Duration::from_secs(5)));
    }
}
