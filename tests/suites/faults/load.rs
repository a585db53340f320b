use std::{ops::Range, time::Duration};

use futures::future::join_all;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use crate::{stage::Stage, window::Window};

/// A load whose requests are sent when they are due, however long those before them take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) per_second: u32,
    pub(crate) length: Duration,
}

/// One request: an offer looked up, an invoice asked for, and checked as a wallet checks it.
#[derive(Debug)]
pub(crate) struct Sample {
    /// When it was to be sent, counted from the load's start.
    pub(crate) due: Duration,
    /// How much later it was.
    pub(crate) lag: Duration,
    /// From when it was due to its end: a load generator that is late must not flatter the server.
    pub(crate) took: Duration,
    /// The node that made the invoice, or why there is none.
    pub(crate) outcome: Result<String, String>,
}

/// All requests of a load, in the order in which they were due.
#[derive(Debug)]
pub(crate) struct Load {
    samples: Vec<Sample>,
}

impl Load {
    /// What came of the requests due in `range`, counted from the load's start.
    pub(crate) fn window(&self, range: Range<Duration>) -> Window {
        Window::of(&self.samples, range)
    }

    /// When, from the load's start, the first invoice came that came after `moment`.
    pub(crate) fn first_invoice_after(&self, moment: Duration) -> Option<Duration> {
        let good = self.samples.iter().filter(|sample| sample.outcome.is_ok());
        let came = good.map(|sample| sample.due + sample.took);
        came.filter(|came| *came >= moment).min()
    }

    /// What came of all.
    pub(crate) fn all(&self) -> Window {
        self.window(Duration::ZERO..Duration::MAX)
    }
}

impl Pace {
    pub(crate) const fn new(per_second: u32, length: Duration) -> Self {
        Self { per_second, length }
    }

    fn count(self) -> u32 {
        self.per_second * u32::try_from(self.length.as_secs()).unwrap_or(u32::MAX)
    }

    /// Runs the load, and beside it what happens to the nodes: `script`, which is told when the load
    /// began.
    pub(crate) async fn run(
        self,
        stage: &Stage,
        script: impl AsyncFnOnce(Instant) -> anyhow::Result<()>,
    ) -> anyhow::Result<Load> {
        // Time for the first to be spawned before it is due.
        let start = Instant::now() + Duration::from_millis(20);
        let load = async {
            let mut requests = Vec::new();
            for number in 0..self.count() {
                let due = Duration::from_secs(1) * number / self.per_second;
                sleep_until(start + due).await;
                requests.push(request(stage, number, start, due));
            }
            join_all(requests).await
        };
        let (requests, happened) = tokio::join!(load, script(start));
        happened?;
        let samples = requests.into_iter().collect::<Result<_, _>>()?;
        Ok(Load { samples })
    }
}

fn request(stage: &Stage, number: u32, start: Instant, due: Duration) -> JoinHandle<Sample> {
    /// Beyond any deadline of the server's.
    const PATIENCE: Duration = Duration::from_secs(15);

    let wallet = stage.wallet();
    tokio::spawn(async move {
        let lag = start.elapsed().saturating_sub(due);
        let outcome = timeout(PATIENCE, wallet.ask(1_000 + u64::from(number)))
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {PATIENCE:?}")));
        Sample {
            due,
            lag,
            took: start.elapsed().saturating_sub(due),
            outcome: outcome.map_err(|error| format!("{error:#}")),
        }
    })
}
