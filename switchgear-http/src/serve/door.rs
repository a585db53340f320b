use std::{io, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::unconstrained,
    time::Instant,
};

use super::{PeerAddr, socket};

/// How long to wait before accepting again when the process has no descriptors left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// How often that is said while it lasts.
const EXHAUSTED_REMINDER: Duration = Duration::from_secs(60);

/// Where connections come in, so many at a time.
#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    reminder: Reminder,
}

/// A connection and its place among those allowed.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: PeerAddr,
    pub(super) place: OwnedSemaphorePermit,
}

impl Door {
    pub(super) fn new(listener: TcpListener, places: usize) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            reminder: Reminder::default(),
        }
    }

    /// Accepts the next connection, once there is place for it. Failures are waited out: they are a
    /// single connection's, or pass when others close.
    pub(super) async fn accept(&mut self) -> Accepted {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // Without it small answers wait for acknowledgements; where it fails, they do.
                    let _ = stream.set_nodelay(true);
                    return Accepted {
                        stream,
                        peer: PeerAddr(peer),
                        place,
                    };
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if self.reminder.is_due() {
                        tracing::warn!("connections cannot be accepted at present: {error}");
                    }
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }

    /// Closes, and gives those who stand before it already.
    pub(super) async fn close(mut self) -> Vec<Accepted> {
        // The runtime looks at the socket while this task waits for its turn.
        tokio::task::yield_now().await;
        let mut waiting = Vec::new();
        while waiting.len() < socket::BACKLOG.unsigned_abs() as usize
            && let Some(accepted) = unconstrained(self.accept()).now_or_never()
        {
            waiting.push(accepted);
        }
        waiting
    }
}

/// Says when a warning is due again.
#[derive(Debug, Default)]
struct Reminder(Option<Instant>);

impl Reminder {
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.0.is_none_or(|last| now - last >= EXHAUSTED_REMINDER);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn warns_at_most_once_a_minute() {
        let mut reminder = Reminder::default();
        let mut warnings = 0;
        for _ in 0..121 {
            warnings += u32::from(reminder.is_due());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(warnings, 3);
    }
}
