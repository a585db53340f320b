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
//!
//! An answer lasts until its last byte went. HTTP/2 keeps bytes that its peer makes no room for away
//! from the socket, where a write would time out; so the time since any of them went counts too.

use std::{
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Limits;

/// How long a connection may take to end once it was asked to and nothing goes on.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// The state of one connection, shared between its bytes and its requests.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    phase: Phase,
    multiplexed: bool,
    /// Bodies and parts of bodies that wait for the peer to take them.
    unsent: usize,
    /// When something of them went last, or the first of them began to wait.
    progress: Instant,
    /// Whoever minds the deadline, to be told when it appears or moves.
    watcher: Option<Waker>,
    header_timeout: Duration,
    idle_timeout: Duration,
    write_timeout: Duration,
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
            unsent: 0,
            progress: Instant::now(),
            watcher: None,
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
            write_timeout: limits.write_timeout,
        })))
    }

    /// When the connection's time is up, and wakes `cx` when that changes. A request has its own
    /// limit; its answer has the time since the peer took some of it.
    ///
    /// A connection that has been `ending` since some time has little of it while nothing goes on.
    pub(super) fn deadline(&self, cx: &Context<'_>, ending: Option<Instant>) -> Option<Instant> {
        let mut state = self.0.lock();
        if state.multiplexed {
            state.watcher = Some(cx.waker().clone());
        }
        match (state.phase, ending) {
            (Phase::Busy { .. }, _) => {
                (state.unsent > 0).then_some(state.progress + state.write_timeout)
            }
            (Phase::Resting { since } | Phase::Accepted { since }, Some(ending)) => {
                Some(since.max(ending) + FAREWELL)
            }
            (Phase::Resting { since }, None) => Some(since + state.idle_timeout),
            (Phase::Accepted { since } | Phase::ReadingHead { since }, _) => {
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
        RequestGuard {
            activity: self.clone(),
            multiplexed,
        }
    }
}

/// A request that is being answered, until the last byte of the answer went.
#[derive(Debug)]
pub(super) struct RequestGuard {
    activity: Activity,
    multiplexed: bool,
}

impl RequestGuard {
    /// Something of the answer is ready for the peer, which takes it until the guard is dropped. None
    /// on HTTP/1.1, whose bytes wait nowhere but at the socket, where a write times out.
    pub(super) fn unsent(&self) -> Option<Unsent> {
        if !self.multiplexed {
            return None;
        }
        let mut state = self.activity.0.lock();
        state.unsent += 1;
        if state.unsent == 1 {
            state.progress = Instant::now();
            state.wake();
        }
        Some(Unsent(self.activity.clone()))
    }
}

/// A body, or a part of one, that waits for the peer to take it.
#[derive(Debug)]
pub(super) struct Unsent(Activity);

impl Unsent {
    /// The peer took some of it.
    pub(super) fn progress(&self) {
        self.0.0.lock().progress = Instant::now();
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.unsent = state.unsent.saturating_sub(1);
    }
}

impl State {
    /// The requests of HTTP/1.1 are handled by the connection itself, which then looks anyway.
    fn wake(&mut self) {
        if let Some(watcher) = self.watcher.take_if(|_| self.multiplexed) {
            watcher.wake();
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut state = self.activity.0.lock();
        if let Phase::Busy { requests } = state.phase {
            state.phase = match requests.checked_sub(1) {
                Some(left) if left > 0 => Phase::Busy { requests: left },
                _ => Phase::Resting {
                    since: Instant::now(),
                },
            };
        }
        state.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_of(activity: &Activity, ending: Option<Instant>) -> Option<Duration> {
        let cx = Context::from_waker(Waker::noop());
        let end = activity.deadline(&cx, ending);
        end.map(|end| end - Instant::now())
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn gives_each_phase_its_own_limit() {
        let limits = Limits {
            header_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(7),
            ..Limits::default()
        };
        let left = |activity: &Activity| left_of(activity, None);

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
        pass(5).await;
        activity.read();
        activity.wrote();
        let left = left_of(&activity, None);
        assert_eq!(left, Some(limits.idle_timeout - Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_the_write_timeout_since_the_peer_took_some_of_it() {
        let limits = Limits::default();
        let activity = Activity::begin(&limits);
        let (first, second) = (activity.request(true), activity.request(true));
        assert_eq!(left_of(&activity, None), None);
        let (one, two) = (first.unsent(), second.unsent());
        pass(5).await;
        let third = first.unsent();
        let late = limits.write_timeout - Duration::from_secs(5);
        assert_eq!(left_of(&activity, None), Some(late));
        two.as_ref().unwrap().progress();
        assert_eq!(left_of(&activity, None), Some(limits.write_timeout));
        drop((one, two, third));
        assert_eq!(left_of(&activity, None), None);
        drop((first, second));
        assert_eq!(left_of(&activity, None), Some(limits.idle_timeout));
    }

    #[tokio::test(start_paused = true)]
    async fn an_ending_connection_has_a_short_farewell_while_nothing_goes_on() {
        let activity = Activity::begin(&Limits::default());
        let request = activity.request(true);
        let ending = Some(Instant::now());
        assert_eq!(left_of(&activity, ending), None);
        pass(5).await;
        drop(request);
        assert_eq!(left_of(&activity, ending), Some(FAREWELL));
    }
}
