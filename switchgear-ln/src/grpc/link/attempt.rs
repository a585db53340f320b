use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{sync::watch, task::AbortHandle, time::Instant};

use super::Shared;
use crate::{
    grpc::{
        channel::Channel,
        dial::{ConnectFailure, Dialer},
    },
    tls::Trust,
};

/// The first wait after a failed attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest wait between attempts that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A connection that ends sooner counts as a failed attempt: a node that hangs up on everybody is
/// not to be asked as fast as it can.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

pub(super) type Outcome = Result<Channel, Arc<ConnectFailure>>;

/// One connection from its first packet to its end.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) number: u64,
    trust: Arc<Trust>,
    outcome: watch::Receiver<Option<Outcome>>,
    task: AbortHandle,
}

impl Attempt {
    pub(super) fn start(link: &Arc<Shared>, number: u64, trust: &Arc<Trust>) -> Self {
        let (sender, outcome) = watch::channel(None);
        let life = Life {
            link: Arc::downgrade(link),
            dialer: Arc::clone(&link.dialer),
            number,
            trust: Arc::clone(trust),
        };
        let task = tokio::spawn(life.run(sender));
        Self {
            number,
            trust: Arc::clone(trust),
            outcome,
            task: task.abort_handle(),
        }
    }

    pub(super) fn is_made_with(&self, trust: &Arc<Trust>) -> bool {
        Arc::ptr_eq(&self.trust, trust)
    }

    /// Whether calls can be made on it now.
    pub(super) fn is_connected(&self) -> bool {
        let outcome = self.outcome.borrow();
        matches!(&*outcome, Some(Ok(channel)) if !channel.is_closed())
    }

    /// Whether its outcome is still to come.
    pub(super) fn is_under_way(&self) -> bool {
        self.outcome.borrow().is_none() && !self.task.is_finished()
    }

    /// Whether it is followed by another, if none is started before.
    pub(super) fn has_a_next(&self) -> bool {
        !self.task.is_finished()
    }

    /// How it went; calls that wait for it may leave.
    pub(super) async fn outcome(&self) -> Outcome {
        if let Some(outcome) = &*self.outcome.borrow() {
            return outcome.clone();
        }
        let mut outcome = self.outcome.clone();
        let settled = outcome.wait_for(Option::is_some).await;
        settled
            .ok()
            .and_then(|settled| settled.clone())
            .unwrap_or_else(|| Err(Arc::new(ConnectFailure::Interrupted)))
    }
}

/// Nobody uses it: what is left of it ends. Calls in flight hold it.
impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What an attempt's task knows: not the attempt, whose end is its own.
struct Life {
    link: Weak<Shared>,
    dialer: Arc<Dialer>,
    number: u64,
    trust: Arc<Trust>,
}

impl Life {
    async fn run(self, sender: watch::Sender<Option<Outcome>>) {
        let settled = match self.dialer.dial(&self.trust).await {
            Ok((channel, driver)) => {
                if let Some(link) = self.link.upgrade() {
                    link.connected(self.number);
                }
                sender.send_replace(Some(Ok(channel)));
                let began = Instant::now();
                // Calls learn from their own streams how it ended.
                let _ = driver.await;
                began.elapsed() >= SETTLED_AFTER
            }
            Err(failure) => {
                sender.send_replace(Some(Err(Arc::new(failure))));
                false
            }
        };
        let pause = self
            .link
            .upgrade()
            .and_then(|link| link.pause_after(self.number, settled));
        let Some(pause) = pause else { return };
        tokio::time::sleep(pause).await;
        if let Some(link) = self.link.upgrade() {
            link.start_after(self.number, &self.trust);
        }
    }
}

/// Doubles with each failure, and is shortened by up to a half so that many clients of one node
/// spread; nothing after a connection that was good. `jitter` is in 0..1.
pub(super) fn pause(failures: u32, jitter: f64) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else {
        return Duration::ZERO;
    };
    let full = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings));
    full.min(LONGEST_PAUSE).mul_f64(1.0 - jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_spread_downwards() {
        let millis = |failures, jitter| pause(failures, jitter).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 7, 8].map(|n| millis(n, 0.0)),
            [0, 100, 200, 400, 6_400, 10_000]
        );
        assert_eq!(millis(u32::MAX, 0.0), 10_000);
        assert_eq!(millis(1, 0.5), 75);
        assert_eq!(millis(u32::MAX, 1.0), 5_000);
    }
}
