use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::ensure;
use switchgear_tests::Door;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// Between two requests.
const PACE: Duration = Duration::from_millis(5);

/// Somebody who asks for what there is to see while others do harm, each time on a new connection.
pub(crate) struct Honest {
    task: JoinHandle<anyhow::Result<Times>>,
    stop: Arc<AtomicBool>,
}

/// How long requests took, and how late the machine was to send them; both in order of length.
#[derive(Debug, Default)]
pub(crate) struct Times {
    took: Vec<Duration>,
    late: Vec<Duration>,
}

impl Honest {
    pub(crate) fn begin(doors: Vec<Door>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(ask(doors, Arc::clone(&stop)));
        Self { task, stop }
    }

    /// Asks for so long.
    pub(crate) async fn ask_for(doors: Vec<Door>, length: Duration) -> anyhow::Result<Times> {
        let honest = Self::begin(doors);
        // The length of a measurement, not a wait for an event.
        tokio::time::sleep(length).await;
        honest.end().await
    }

    /// Stops; an error if anything but a good answer came.
    pub(crate) async fn end(self) -> anyhow::Result<Times> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn ask(doors: Vec<Door>, stop: Arc<AtomicBool>) -> anyhow::Result<Times> {
    let mut times = Times::default();
    let mut due = Instant::now();
    for door in doors.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        due = Instant::now().max(due + PACE);
        sleep_until(due).await;
        let begun = Instant::now();
        times.late.push(begun - due);
        let health = door.get("/health").await?;
        ensure!(health.status == 200, "/health answered {health:?}");
        times.took.push(begun.elapsed());
    }
    times.took.sort_unstable();
    times.late.sort_unstable();
    Ok(times)
}

impl Times {
    /// How many requests there were.
    pub(crate) fn count(&self) -> usize {
        self.took.len()
    }

    /// What 99 of 100 requests took at most.
    pub(crate) fn p99(&self) -> Duration {
        percentile_99(&self.took)
    }

    /// By how much the machine itself was late, but for one in 100.
    pub(crate) fn lag(&self) -> Duration {
        percentile_99(&self.late)
    }
}

fn percentile_99(sorted: &[Duration]) -> Duration {
    let index = (sorted.len() * 99 / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}
