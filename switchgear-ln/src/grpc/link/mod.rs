mod attempt;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use self::attempt::{Attempt, pause};
use super::{
    channel::Channel,
    dial::{ConnectFailure, Dialer},
    target::Target,
};
use crate::tls::Trust;

/// A node that nobody called for so long is not connected again before the next call.
const IDLE_AFTER: Duration = Duration::from_secs(5 * 60);

/// The one HTTP/2 connection to a node, which all calls share.
///
/// ```text
///  nothing ──first call──▶ connecting ──▶ connected ──ends──▶ ended
///                            ▲      └───▶ failed: told to all who wait
///                            │                │
///                            ├──next call─────┤  at once
///                            └──background────┘  at once after an end, then ever later
/// ```
///
/// Connecting is a task of its own, bounded in time: callers wait for it as long as they like, all
/// who wait get its one outcome, and it goes on when they leave. After an end or a failure the task
/// tries again by itself, so that the next call usually finds a connection; a call that comes before
/// tries at once, since a node that was repaired a moment ago must serve the next request. For the same
/// reason a call that came upon an attempt already begun, which fails, waits for one more, for what is
/// left of the time that one may take. Nothing connects before the first call, nor once nobody has
/// called for long.
///
/// When the trust changes, the connection that was made with the one before goes on serving until
/// there is one made with the new: a certificate file is often there before the node uses it.
///
/// One connection: measured with 64 calls at a time on a simulated node over loopback, two cores, four
/// rounds, a second connection changed nothing (1,927 against 1,945 status reads a second) and four took
/// a third away.
#[derive(Debug)]
pub(super) struct Link {
    shared: Arc<Shared>,
}

impl Link {
    /// A link to `target`; connecting may take `timeout`, TLS included.
    pub(super) fn new(target: Target, timeout: Duration) -> Self {
        let state = State {
            wanted: None,
            current: None,
            former: None,
            attempts: 0,
            failures: 0,
            called: Instant::now(),
        };
        Self {
            shared: Arc::new(Shared {
                dialer: Arc::new(Dialer::new(target, timeout)),
                state: Mutex::new(state),
            }),
        }
    }

    /// The connection, made now if there is none.
    ///
    /// It is made with `trust`, unless another was asked for under a higher `version`; then with that.
    pub(super) async fn connection(
        &self,
        version: u64,
        trust: &Arc<Trust>,
    ) -> Result<Connection, Arc<ConnectFailure>> {
        let patience = self.shared.dialer.timeout();
        let called = Instant::now();
        let (attempt, began) = self.shared.join(version, trust);
        let failure = match attempt.outcome().await {
            Ok(channel) => return Ok(Connection { channel, attempt }),
            Err(failure) => failure,
        };
        if began == Began::Now {
            return Err(failure);
        }
        let attempt = self.shared.join_after(attempt.number, version, trust);
        let outcome = timeout_at(called + patience, attempt.outcome()).await;
        let channel = outcome.unwrap_or(Err(failure))?;
        Ok(Connection { channel, attempt })
    }

    /// Makes no more calls on a connection that refused one, unless another has taken its place.
    pub(super) fn forget(&self, refused: &Connection) {
        let number = refused.attempt.number;
        let mut state = self.shared.state.lock();
        state.current.take_if(|attempt| attempt.number == number);
        state.former.take_if(|attempt| attempt.number == number);
    }
}

/// A connection as one call uses it; it closes when the link has let go of it and no call uses it.
#[derive(Debug)]
pub(super) struct Connection {
    channel: Channel,
    attempt: Arc<Attempt>,
}

impl Connection {
    /// What calls go through.
    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }
}

/// Whether an attempt began before it was asked for; then it says nothing about the node of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Began {
    Before,
    Now,
}

#[derive(Debug)]
struct Shared {
    dialer: Arc<Dialer>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The latest trust that was asked for, under its version.
    wanted: Option<(u64, Arc<Trust>)>,
    /// The latest attempt, whatever became of it.
    current: Option<Arc<Attempt>>,
    /// A connection made with the trust before, until the current attempt has made one.
    former: Option<Arc<Attempt>>,
    attempts: u64,
    /// In a row.
    failures: u32,
    called: Instant,
}

impl State {
    fn is_current(&self, number: u64) -> bool {
        self.current
            .as_ref()
            .is_some_and(|attempt| attempt.number == number)
    }

    /// Takes in a trust that is asked for, and returns the one to use. Who read the files long ago
    /// does not undo what others found there since.
    fn want(&mut self, version: u64, trust: &Arc<Trust>) -> Arc<Trust> {
        match &self.wanted {
            Some((known, newer)) if *known > version => Arc::clone(newer),
            _ => {
                self.wanted = Some((version, Arc::clone(trust)));
                Arc::clone(trust)
            }
        }
    }

    /// Goes back to the connection of the trust before, when the files did.
    fn take_back_former(&mut self, trust: &Arc<Trust>) {
        let back = |former: &mut Arc<Attempt>| former.is_made_with(trust) && former.is_connected();
        if let Some(former) = self.former.take_if(back) {
            self.current = Some(former);
        }
    }

    /// Whether a call can do with what there is: the current attempt, or the former connection while
    /// the current one goes on trying.
    fn needs_attempt(&self, trust: &Arc<Trust>) -> bool {
        match &self.current {
            Some(current) if current.is_made_with(trust) => {
                let serves = current.is_connected() || current.is_under_way();
                !(serves || self.former.is_some() && current.has_a_next())
            }
            _ => true,
        }
    }
}

impl Shared {
    fn join(self: &Arc<Self>, version: u64, trust: &Arc<Trust>) -> (Arc<Attempt>, Began) {
        self.join_locked(&mut self.state.lock(), version, trust)
    }

    /// Joins the attempt that followed the one with `number`, whatever became of it, or starts it.
    fn join_after(self: &Arc<Self>, number: u64, version: u64, trust: &Arc<Trust>) -> Arc<Attempt> {
        let mut state = self.state.lock();
        let former = state.former.as_ref();
        if let Some(former) = former.filter(|former| former.is_connected()) {
            return Arc::clone(former);
        }
        match &state.current {
            Some(attempt) if attempt.number > number => Arc::clone(attempt),
            _ => self.join_locked(&mut state, version, trust).0,
        }
    }

    fn join_locked(
        self: &Arc<Self>,
        state: &mut State,
        version: u64,
        trust: &Arc<Trust>,
    ) -> (Arc<Attempt>, Began) {
        state.called = Instant::now();
        let trust = state.want(version, trust);
        state.former.take_if(|former| !former.is_connected());
        state.take_back_former(&trust);
        let began = if state.needs_attempt(&trust) {
            self.start(state, &trust);
            Began::Now
        } else {
            Began::Before
        };
        let attempt = state.former.as_ref().or(state.current.as_ref());
        let attempt = attempt.expect("there is an attempt, or one was started");
        (Arc::clone(attempt), began)
    }

    /// Starts an attempt; a connection that is there serves until it has succeeded.
    fn start(self: &Arc<Self>, state: &mut State, trust: &Arc<Trust>) {
        state.attempts += 1;
        let attempt = Arc::new(Attempt::start(self, state.attempts, trust));
        let replaced = state.current.replace(attempt);
        if let Some(connection) = replaced.filter(|replaced| replaced.is_connected()) {
            state.former = Some(connection);
        }
    }

    /// An attempt has made its connection, which serves from now on.
    fn connected(&self, number: u64) {
        let mut state = self.state.lock();
        if state.is_current(number) {
            state.former = None;
        }
    }

    /// How long to wait before another attempt; `None` when another is under way already, or the
    /// node has not been called for long.
    fn pause_after(&self, number: u64, settled: bool) -> Option<Duration> {
        let mut state = self.state.lock();
        if !state.is_current(number) {
            return None;
        }
        state.failures = if settled {
            0
        } else {
            state.failures.saturating_add(1)
        };
        (state.called.elapsed() < IDLE_AFTER).then(|| pause(state.failures, rand::random()))
    }

    fn start_after(self: &Arc<Self>, number: u64, trust: &Arc<Trust>) {
        let mut state = self.state.lock();
        if state.is_current(number) {
            self.start(&mut state, trust);
        }
    }
}
