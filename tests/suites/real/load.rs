//! Strangers' wallets that ask for invoices at an even pace until they are told to end.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use switchgear_examples::{PayInvoice, PayOffer, Wallet};
use switchgear_tests::{Lnd, eventually};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use crate::stage::PATIENCE;

/// 20 requests a second.
const PACE: Duration = Duration::from_millis(50);

/// Beyond any deadline of the server's.
const ANSWER: Duration = Duration::from_secs(15);

/// One request with its end.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) asked: Instant,
    pub(crate) took: Duration,
    /// The invoice, checked as a wallet checks it, or why there is none.
    pub(crate) outcome: Result<PayInvoice, String>,
}

/// A load that runs.
pub(crate) struct Load {
    samples: Arc<Mutex<Vec<Sample>>>,
    /// After so many requests no more is sent.
    limit: Arc<AtomicUsize>,
    sender: JoinHandle<()>,
}

impl Load {
    /// Begins to ask, each time for another amount and on a connection of its own.
    pub(crate) fn start(offer: &PayOffer) -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let limit = Arc::new(AtomicUsize::new(usize::MAX));
        let sender = send(offer.clone(), Arc::clone(&samples), Arc::clone(&limit));
        Self {
            samples,
            limit,
            sender: tokio::spawn(sender),
        }
    }

    /// Waits until so many requests more have ended.
    pub(crate) async fn goes_on_for(&self, requests: usize) -> anyhow::Result<()> {
        let wanted = self.samples.lock().len() + requests;
        let due = PACE * u32::try_from(requests)?;
        eventually("more requests to end", due + PATIENCE, async || {
            Ok((self.samples.lock().len() >= wanted).then_some(()))
        })
        .await
    }

    /// The first request asked after `since` whose invoice `node` made; waits for it.
    pub(crate) async fn first_of(&self, node: &Lnd, since: Instant) -> anyhow::Result<Sample> {
        let what = format!("an invoice of {}", node.name());
        eventually(&what, PATIENCE, async || {
            let samples = self.samples.lock();
            let first = samples.iter().find(|sample| {
                sample.asked >= since
                    && (sample.outcome.as_ref()).is_ok_and(|made| made.payee == node.public_key())
            });
            Ok(first.cloned())
        })
        .await
    }

    /// How many invoices each node made of the requests asked after `since`; the key of none is empty.
    pub(crate) fn made_since(&self, since: Instant) -> BTreeMap<String, usize> {
        let mut made = BTreeMap::new();
        for sample in self.samples.lock().iter().filter(|it| it.asked >= since) {
            let payee = sample.outcome.as_ref().map(|invoice| invoice.payee.clone());
            *made.entry(payee.unwrap_or_default()).or_default() += 1;
        }
        made
    }

    /// Asks on until there are at least so many requests, and gives them all once each has ended.
    pub(crate) async fn end_with(self, requests: usize) -> anyhow::Result<Vec<Sample>> {
        self.limit.store(requests, Ordering::Relaxed);
        self.sender.await?;
        Ok(std::mem::take(&mut self.samples.lock()))
    }
}

async fn send(offer: PayOffer, samples: Arc<Mutex<Vec<Sample>>>, limit: Arc<AtomicUsize>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut requests = JoinSet::new();
    for number in 0.. {
        if usize::try_from(number).is_ok_and(|sent| sent >= limit.load(Ordering::Relaxed)) {
            break;
        }
        pace.tick().await;
        let (offer, samples) = (offer.clone(), Arc::clone(&samples));
        requests.spawn(async move {
            let sample = ask(&offer, 1_000 + number).await;
            samples.lock().push(sample);
        });
    }
    requests.join_all().await;
}

async fn ask(offer: &PayOffer, msat: u64) -> Sample {
    let asked = Instant::now();
    let outcome = timeout(ANSWER, Wallet::new().invoice(offer, msat))
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {ANSWER:?}")));
    Sample {
        asked,
        took: asked.elapsed(),
        outcome: outcome.map_err(|error| format!("{error:#}")),
    }
}

/// Why requests failed, each with its place in the load.
pub(crate) fn failures(samples: &[Sample]) -> Vec<String> {
    let failed = samples.iter().enumerate().filter_map(|(number, sample)| {
        let error = sample.outcome.as_ref().err()?;
        Some(format!("{number}: {error} after {:?}", sample.took))
    });
    failed.collect()
}

/// How long the slowest request took.
pub(crate) fn slowest(samples: &[Sample]) -> Duration {
    let times = samples.iter().map(|sample| sample.took);
    times.max().unwrap_or_default()
}
