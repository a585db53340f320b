use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use switchgear_core::{
    ErrorChain,
    offer::{OfferMetadataStore as _, OfferStore as _},
    store::{StoreError, StoreErrorKind, Written},
};
use switchgear_stores::http::HttpOfferStore;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep},
};

use super::{order::Turn, record::Record};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Brings records to the service, some at a time. Clones share everything.
#[derive(Debug, Clone)]
pub(super) struct Courier {
    store: HttpOfferStore,
    slots: Arc<Semaphore>,
    /// How long a record is tried again while the service fails.
    patience: Duration,
    acknowledged: Arc<AtomicU64>,
    stop: watch::Receiver<bool>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    Acknowledged(Written),
    /// It is at fault, for this reason.
    Refused(String),
    /// The service is at fault, for all records: the load cannot go on.
    Failed(String),
    /// The load was stopped before the record's turn came, or came again.
    Abandoned,
}

impl Courier {
    pub(super) fn new(
        store: HttpOfferStore,
        concurrency: usize,
        patience: Duration,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            store,
            slots: Arc::new(Semaphore::new(concurrency)),
            patience,
            acknowledged: Arc::default(),
            stop,
        }
    }

    /// Sends a record when its turn has come, and again while the service fails.
    ///
    /// A request that has been sent is always waited for, so that its outcome is known.
    pub(super) async fn deliver(self, number: usize, record: Record, mut turn: Turn) -> Delivery {
        let mut stop = self.stop.clone();
        let slot = async {
            turn.come().await;
            self.slots.acquire().await
        };
        let _slot = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Delivery::Abandoned,
            slot = slot => slot,
        };
        let mut outage: Option<Outage> = None;
        loop {
            let error = match self.send(&record).await {
                Ok(written) => {
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    return Delivery::Acknowledged(written);
                }
                Err(error) => error,
            };
            let reason = ErrorChain(&error).to_string();
            if is_records_fault(&error) {
                return Delivery::Refused(reason);
            }
            let acknowledged = self.acknowledged.load(Ordering::Relaxed);
            let outage = outage.get_or_insert_with(|| Outage::new(acknowledged));
            let others_got_through = outage.notice(acknowledged);
            if outage.began.elapsed() >= self.patience {
                // Then it is this record that the service cannot take.
                return match others_got_through {
                    true => Delivery::Refused(reason),
                    false => Delivery::Failed(reason),
                };
            }
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return Delivery::Abandoned,
                () = sleep(outage.pause(number)) => {}
            }
        }
    }

    async fn send(&self, record: &Record) -> Result<Written, StoreError> {
        match record {
            Record::Metadata(metadata) => self.store.put_metadata(metadata.as_ref().clone()).await,
            Record::Offer(offer) => self.store.put_offer(offer.clone()).await,
        }
    }
}

/// The time in which one record was tried in vain.
#[derive(Debug)]
struct Outage {
    began: Instant,
    /// How many records the service had acknowledged when this one failed last.
    acknowledged: u64,
    attempts: u32,
}

impl Outage {
    fn new(acknowledged: u64) -> Self {
        Self {
            began: Instant::now(),
            acknowledged,
            attempts: 0,
        }
    }

    /// Whether the service has acknowledged other records since this one failed last.
    fn notice(&mut self, acknowledged: u64) -> bool {
        std::mem::replace(&mut self.acknowledged, acknowledged) != acknowledged
    }

    /// Doubles from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`], up to a half shorter, so that those that
    /// failed together do not all come back together.
    fn pause(&mut self, number: usize) -> Duration {
        let doubled = 2_u32.saturating_pow(self.attempts.min(16));
        self.attempts += 1;
        let pause = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
        let share = (number % 8) as f64 / 16.0;
        pause.mul_f64(1.0 - share)
    }
}

/// Whether the service has judged the record. All else may pass: a service that restarts, a database
/// that is away, a token that is about to be replaced.
fn is_records_fault(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Invalid | StoreErrorKind::Conflict | StoreErrorKind::NotFound
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_outage_from_a_record_that_alone_fails() {
        let mut outage = Outage::new(7);
        assert!(!outage.notice(7));
        // An answer that was under way as the service went.
        assert!(outage.notice(8));
        assert!(!outage.notice(8));
    }

    #[test]
    fn pauses_longer_each_time_and_apart_from_others() {
        let pauses = |number| {
            let mut outage = Outage::new(0);
            (0..20).map(|_| outage.pause(number)).collect::<Vec<_>>()
        };
        let (one, other) = (pauses(8), pauses(15));
        assert_eq!(one[..3], [100, 200, 400].map(Duration::from_millis));
        assert_eq!(one[19], LONGEST_PAUSE);
        assert!(one.iter().zip(&other).all(|(one, other)| one > other));
        assert!(other.iter().all(|pause| *pause >= FIRST_PAUSE / 2));
    }
}
