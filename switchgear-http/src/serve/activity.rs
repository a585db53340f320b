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
//! from the socket, where a write would time out; so for each answer the time since any of it went
//! counts too, whatever goes on beside it.

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
    /// Answers of which something waits for the peer to take it.
    waiting: Vec<Waiting>,
    /// The number of the next request.
    next: u64,
    /// Whoever minds the deadline, to be told when it appears or moves.
    watcher: Option<Waker>,
    header_timeout: Duration,
    idle_timeout: Duration,
    request_timeout: Duration,
    write_timeout: Duration,
}

/// The part of an answer that the peer has not taken yet.
#[derive(Debug)]
struct Waiting {
    request: u64,
    /// Bodies and parts of bodies.
    unsent: usize,
    /// When something of it went last, or it began to wait.
    progress: Instant,
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
            waiting: Vec::new(),
            next: 0,
            watcher: None,
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
            request_timeout: limits.request_timeout,
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
            (Phase::Busy { .. }, ending) => {
                let late = state.oldest()? + state.write_timeout;
                // Those beside a late one may finish, where they have been told to.
                Some(ending.map_or(late, |ending| late.max(ending + state.request_timeout)))
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

    /// Whether there are requests beside those whose answers the peer does not take.
    pub(super) fn serves_others(&self) -> bool {
        let state = self.0.lock();
        let Phase::Busy { requests } = state.phase else {
            return false;
        };
        let now = Instant::now();
        let is_late = |answer: &&Waiting| answer.progress + state.write_timeout <= now;
        requests > state.waiting.iter().filter(is_late).count()
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
        state.next += 1;
        RequestGuard {
            activity: self.clone(),
            number: multiplexed.then_some(state.next),
        }
    }
}

/// A request that is being answered, until the last byte of the answer went.
#[derive(Debug)]
pub(super) struct RequestGuard {
    activity: Activity,
    /// On HTTP/2.
    number: Option<u64>,
}

impl RequestGuard {
    /// Something of the answer is ready for the peer, which takes it until the guard is dropped. None
    /// on HTTP/1.1, whose bytes wait nowhere but at the socket, where a write times out.
    pub(super) fn unsent(&self) -> Option<Unsent> {
        let request = self.number?;
        let mut state = self.activity.0.lock();
        if let Some(waiting) = state.waiting_of(request) {
            waiting.unsent += 1;
        } else {
            state.waiting.push(Waiting {
                request,
                unsent: 1,
                progress: Instant::now(),
            });
            state.wake();
        }
        Some(Unsent {
            activity: self.activity.clone(),
            request,
        })
    }
}

/// A body, or a part of one, that waits for the peer to take it.
#[derive(Debug)]
pub(super) struct Unsent {
    activity: Activity,
    request: u64,
}

impl Unsent {
    /// The peer took some of it.
    pub(super) fn progress(&self) {
        let mut state = self.activity.0.lock();
        if let Some(waiting) = state.waiting_of(self.request) {
            waiting.progress = Instant::now();
        }
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        let mut state = self.activity.0.lock();
        if let Some(waiting) = state.waiting_of(self.request) {
            waiting.unsent = waiting.unsent.saturating_sub(1);
        }
        state.waiting.retain(|waiting| waiting.unsent > 0);
    }
}

impl State {
    fn waiting_of(&mut self, request: u64) -> Option<&mut Waiting> {
        let mut waiting = self.waiting.iter_mut();
        waiting.find(|waiting| waiting.request == request)
    }

    /// Since when the answer waits that has waited longest.
    fn oldest(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.progress).min()
    }

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
    async fn each_answer_has_the_write_timeout_since_the_peer_took_some_of_it() {
        let limits = Limits::default();
        let activity = Activity::begin(&limits);
        let (first, second) = (activity.request(true), activity.request(true));
        assert_eq!(left_of(&activity, None), None);
        let (one, two) = (first.unsent(), second.unsent());
        pass(5).await;
        let third = first.unsent();
        let late = limits.write_timeout - Duration::from_secs(5);
        assert_eq!(left_of(&activity, None), Some(late));
        // What goes on beside an answer that waits gives it no more time.
        two.as_ref().unwrap().progress();
        assert_eq!(left_of(&activity, None), Some(late));
        one.as_ref().unwrap().progress();
        assert_eq!(left_of(&activity, None), Some(limits.write_timeout));
        drop((one, two, third));
        assert_eq!(left_of(&activity, None), None);
        drop((first, second));
        assert_eq!(left_of(&activity, None), Some(limits.idle_timeout));
    }

    #[tokio::test(start_paused = true)]
    async fn those_beside_an_answer_that_is_not_taken_have_time_to_finish() {
        let limits = Limits::default();
        let activity = Activity::begin(&limits);
        let (stalled, live) = (activity.request(true), activity.request(true));
        let _unsent = stalled.unsent();
        tokio::time::advance(limits.write_timeout).await;
        assert_eq!(left_of(&activity, None), Some(Duration::ZERO));
        assert!(activity.serves_others());
        let ending = Some(Instant::now());
        assert_eq!(left_of(&activity, ending), Some(limits.request_timeout));
        drop(live);
        assert!(!activity.serves_others());
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
