use std::{
    future::poll_fn,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// Counts the processor's time that futures take, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    total: AtomicU64,
    longest: AtomicU64,
}

impl Meter {
    /// Runs `future` to its end, and counts what each of its steps takes.
    pub(crate) async fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            // A step begins and ends on one thread.
            let before = thread_nanoseconds();
            let step = future.as_mut().poll(context);
            let took = thread_nanoseconds().saturating_sub(before);
            self.total.fetch_add(took, Ordering::Relaxed);
            self.longest.fetch_max(took, Ordering::Relaxed);
            step
        })
        .await
    }

    /// All steps so far.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.total.load(Ordering::Relaxed))
    }

    /// The longest step so far.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }

    /// Forgets the longest step.
    pub(crate) fn forget_longest(&self) {
        self.longest.store(0, Ordering::Relaxed);
    }
}

fn thread_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000_000 + rest.unwrap_or_default()
}
