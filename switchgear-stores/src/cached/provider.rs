use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use switchgear_core::{
    Partition,
    offer::{OfferProvider, PayableOffer},
    store::StoreError,
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::{
    Answer, CacheConfig, InvalidatingStore, flight,
    outage::Failure,
    shard::Stale,
    shared::{Boarded, MAX_LOADS, Shared},
};

/// Offers of another provider, kept for a while. Clones share what is kept.
///
/// See the [module](crate::cached) for what it promises. Look-ups run on tokio.
#[derive(Debug, Clone)]
pub struct CachedOffers {
    shared: Arc<Shared>,
}

/// What a cache holds at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheFigures {
    /// Offers that are kept, fresh or not.
    pub offers: usize,
    /// Ids that are known to have no offer.
    pub absences: usize,
    /// The memory of both, in bytes, estimated from above.
    pub bytes: usize,
    /// While the store does not answer: the age of the oldest offer that was served instead. It ends when
    /// the look-up that failed last is answered, or any other one after [`CacheConfig::retry_pause`]
    /// without a failure.
    pub stale_age: Option<Duration>,
}

impl CachedOffers {
    /// How many look-ups the store may be asked at one time. A look-up beyond it does not wait: it is
    /// answered from the cache whatever the age up to [`CacheConfig::stale_limit`], else with
    /// [`Unavailable`](switchgear_core::store::StoreErrorKind::Unavailable).
    pub const MAX_LOADS: usize = MAX_LOADS;

    /// Keeps what `store` answers.
    pub fn new(store: Arc<dyn OfferProvider>, config: CacheConfig) -> Self {
        let shared = Arc::new(Shared::new(store, config));
        Self { shared }
    }

    /// The answer that is held and fresh: an offer, or that there is none. The store is not asked, and
    /// nothing is allocated or copied.
    pub fn fresh(&self, partition: &Partition, id: Uuid) -> Option<Option<Arc<PayableOffer>>> {
        self.shared.fresh(partition, id)
    }

    /// `store`, whose writes this cache learns of at once. All writes of this process must go through
    /// what is returned; those of others are seen after [`CacheConfig::ttl`].
    pub fn invalidated_by<S: ?Sized>(&self, store: Arc<S>) -> InvalidatingStore<S> {
        InvalidatingStore::new(store, Arc::clone(&self.shared))
    }

    /// What is held, for metrics. It looks at each part of the cache, one after the other.
    pub fn figures(&self) -> CacheFigures {
        let content = self.shared.content();
        CacheFigures {
            offers: content.offers,
            absences: content.absences,
            bytes: content.bytes,
            stale_age: self.shared.outage.stale_age(),
        }
    }

    async fn load(&self, partition: &Partition, id: Uuid) -> Result<Answer, StoreError> {
        let (flight, stale) = match self.shared.board(partition, id) {
            Boarded::Answered(answer) => return Ok(answer),
            Boarded::Resting(stale) => return Ok(self.fall_back(stale)),
            Boarded::Waiting(flight, None) => return flight.landed().await,
            Boarded::Waiting(flight, Some(stale)) => (flight, stale),
            Boarded::Crowded(stale) => return self.turn_away(stale),
        };
        // Of the load, not of this look-up: who comes later has no reason to wait as long again.
        let deadline = flight.began + self.shared.config.patience;
        match timeout_at(deadline, flight.landed()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Ok(self.fall_back(stale)),
            Err(_) => {
                let patience = self.shared.config.patience;
                let why = format_args!("a look-up takes longer than {patience:?}");
                let failure = Failure {
                    fingerprint: flight.owner.fingerprint,
                    has_fallback: true,
                };
                self.shared.outage.failed(Instant::now(), failure, why);
                Ok(self.fall_back(stale))
            }
        }
    }

    fn turn_away(&self, stale: Option<Stale>) -> Result<Answer, StoreError> {
        let error = flight::crowded();
        self.shared
            .outage
            .crowded(Instant::now(), stale.is_some(), &error);
        stale.map(|stale| self.fall_back(stale)).ok_or(error)
    }

    fn fall_back(&self, stale: Stale) -> Answer {
        let now = Instant::now();
        let age = now.saturating_duration_since(stale.began);
        self.shared.outage.served(now, age);
        Some(stale.offer)
    }
}

#[async_trait]
impl OfferProvider for CachedOffers {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        match self.fresh(partition, id) {
            Some(answer) => Ok(answer),
            // Boxed apart, so that the future of an answer that is there stays small.
            None => Box::pin(self.load(partition, id)).await,
        }
    }
}
