use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use switchgear_tests::eventually;
use tokio::{task::JoinHandle, time::sleep};

use crate::stage::PATIENCE;

/// Between two requests.
const PACE: Duration = Duration::from_millis(5);

/// Somebody who asks again and again while something changes. The first failure ends it.
pub(crate) struct Load {
    task: JoinHandle<anyhow::Result<()>>,
    done: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub(crate) fn start<F, A>(mut ask: F) -> Self
    where
        F: FnMut() -> A + Send + 'static,
        A: Future<Output = anyhow::Result<()>> + Send,
    {
        let (done, stop) = (Arc::default(), Arc::default());
        let (counted, stopped) = (Arc::clone(&done), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while !AtomicBool::load(&stopped, Ordering::Relaxed) {
                let number = AtomicUsize::fetch_add(&counted, 1, Ordering::Relaxed);
                ask().await.with_context(|| format!("request {number}"))?;
                sleep(PACE).await;
            }
            Ok(())
        });
        Self { task, done, stop }
    }

    /// Waits for so many more requests, or for the load's end.
    pub(crate) async fn goes_on_for(&self, requests: usize) -> anyhow::Result<()> {
        let end = self.done.load(Ordering::Relaxed) + requests;
        eventually("more requests", PATIENCE, async || {
            let is_over = self.is_over() || self.done.load(Ordering::Relaxed) >= end;
            Ok(is_over.then_some(()))
        })
        .await
    }

    /// Whether a request has failed.
    pub(crate) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops it; an error if any request failed.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}
