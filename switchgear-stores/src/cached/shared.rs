use std::{fmt, sync::Arc, time::Duration};

use parking_lot::RwLock;
use switchgear_core::{
    ErrorChain, Partition,
    offer::OfferProvider,
    store::{StoreError, StoreErrorKind},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{
    Answer, CacheConfig,
    flight::{self, Flight, Landed},
    key::{Key, Keys, Owned},
    outage::{Failure, Outage},
    shard::{Content, Shard, Stale},
};

/// How many parts the cache has, each with a lock and an equal share of the memory of its own.
const SHARDS: usize = 16;

/// How long a load may take. Stores have timeouts of their own, shorter ones: this one sees to it that
/// no look-up joins a load that will never end.
const LOAD_LIMIT: Duration = Duration::from_secs(15);

/// How many loads may be under way. They outlive the look-ups that began them, so without a bound
/// whoever asks for ids at random while the store hangs would fill the memory with them. High enough
/// for any store that answers: 4096 loads of 50 ms each are 80,000 in a second.
pub(super) const MAX_LOADS: usize = 4096;

/// What the read path, the loads under way and the writers share.
pub(super) struct Shared {
    pub(super) config: CacheConfig,
    pub(super) outage: Outage,
    store: Arc<dyn OfferProvider>,
    keys: Keys,
    /// One place for each load that may be begun.
    places: Arc<Semaphore>,
    shards: [RwLock<Shard>; SHARDS],
}

/// How a look-up that found no fresh answer goes on.
pub(super) enum Boarded {
    /// It is answered after all.
    Answered(Answer),
    /// The store failed just now, and this will do until it is asked again.
    Resting(Stale),
    /// It waits for a load, and may fall back on what there was.
    Waiting(Arc<Flight>, Option<Stale>),
    /// No load may be begun, so many are under way; what there was will do, if there was any.
    Crowded(Option<Stale>),
}

impl Shared {
    pub(super) fn new(store: Arc<dyn OfferProvider>, config: CacheConfig) -> Self {
        let offer_bytes = config.offer_bytes / SHARDS;
        let absence_bytes = config.absence_bytes / SHARDS;
        Self {
            outage: Outage::new(config.retry_pause),
            config,
            store,
            keys: Keys::new(),
            places: Arc::new(Semaphore::new(MAX_LOADS)),
            shards: std::array::from_fn(|_| RwLock::new(Shard::new(offer_bytes, absence_bytes))),
        }
    }

    pub(super) fn fresh(&self, partition: &Partition, id: Uuid) -> Option<Answer> {
        let key = self.keys.key(partition, id);
        let shard = self.shard(key.fingerprint).read();
        shard.fresh(&key, Instant::now(), self.config.ttl)
    }

    /// Joins the load under way, or begins one.
    ///
    /// A load runs on a task of its own: it serves all who wait, so none of them may end it by hanging
    /// up, and what it brings is of use to whoever comes next.
    pub(super) fn board(self: &Arc<Self>, partition: &Partition, id: Uuid) -> Boarded {
        let key = self.keys.key(partition, id);
        let now = Instant::now();
        let mut shard = self.shard(key.fingerprint).write();
        // Another look-up may have brought the answer since this one looked.
        if let Some(answer) = shard.fresh(&key, now, self.config.ttl) {
            return Boarded::Answered(answer);
        }
        let stale = shard.stale(&key, now, self.config.stale_limit);
        if let Some(flight) = shard.flight(&key) {
            return Boarded::Waiting(Arc::clone(flight), stale);
        }
        match stale {
            Some(stale) if stale.is_resting => Boarded::Resting(stale),
            stale => match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => {
                    let flight = self.take_off(&key, now, stale.is_some(), place);
                    shard.begin(Arc::clone(&flight));
                    Boarded::Waiting(flight, stale)
                }
                Err(_) => Boarded::Crowded(stale),
            },
        }
    }

    /// Takes away all that is known of an offer. To be called once its change is committed.
    pub(super) fn forget_offer(&self, partition: &Partition, id: Uuid) {
        let key = self.keys.key(partition, id);
        self.shard(key.fingerprint).write().forget(key.fingerprint);
    }

    /// Takes away all that is known of a partition. To be called once a change of metadata in it is
    /// committed.
    pub(super) fn forget_partition(&self, partition: &Partition) {
        self.keys.end_era(partition);
    }

    /// Ends the freshness of what is known of an offer, and keeps it for an outage. To be called once a
    /// change of it has ended that may be committed or not.
    pub(super) fn doubt_offer(&self, partition: &Partition, id: Uuid) {
        let key = self.keys.key(partition, id);
        self.shard(key.fingerprint).write().doubt(key.fingerprint);
    }

    /// As [`Self::doubt_offer`], of all that is known of a partition, after a change of metadata in it.
    pub(super) fn doubt_partition(&self, partition: &Partition) {
        self.keys.doubt(partition);
    }

    pub(super) fn content(&self) -> Content {
        let contents = self.shards.iter().map(|shard| shard.read().content());
        contents.fold(Content::default(), |sum, content| Content {
            offers: sum.offers + content.offers,
            absences: sum.absences + content.absences,
            bytes: sum.bytes + content.bytes,
        })
    }

    fn shard(&self, fingerprint: u64) -> &RwLock<Shard> {
        let [first, ..] = &self.shards;
        // Not its lowest bits, by which the maps within a shard place their entries.
        let index = usize::try_from((fingerprint >> 32) % SHARDS as u64).unwrap_or_default();
        self.shards.get(index).unwrap_or(first)
    }

    fn take_off(
        self: &Arc<Self>,
        key: &Key<'_>,
        now: Instant,
        has_fallback: bool,
        place: OwnedSemaphorePermit,
    ) -> Arc<Flight> {
        let (flight, sender) = Flight::new(Owned::from(key), now, has_fallback);
        let flight = Arc::new(flight);
        let landing = Landing {
            shared: Arc::clone(self),
            flight: Arc::clone(&flight),
            sender,
            landed: None,
            _place: place,
        };
        tokio::spawn(landing.fly());
        flight
    }

    fn land(&self, flight: &Arc<Flight>, landed: &Landed) {
        let now = Instant::now();
        let rest_until = now + self.config.retry_pause;
        self.shard(flight.owner.fingerprint)
            .write()
            .land(flight, landed, rest_until);
        match landed {
            Ok(_) => self.outage.answered(now, flight.owner.fingerprint),
            Err(error) => {
                let failure = Failure {
                    fingerprint: flight.owner.fingerprint,
                    has_fallback: flight.has_fallback,
                };
                self.outage.failed(now, failure, ErrorChain(&**error));
            }
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("store", &self.store)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A load that lands when it is dropped, whether it came to its end, panicked, or was ended with its
/// runtime: nobody may wait for what will never come, or join it.
struct Landing {
    shared: Arc<Shared>,
    flight: Arc<Flight>,
    sender: watch::Sender<Option<Landed>>,
    landed: Option<Landed>,
    /// Given back as the load ends.
    _place: OwnedSemaphorePermit,
}

impl Landing {
    async fn fly(mut self) {
        let owner = &self.flight.owner;
        let load = self.shared.store.payable(&owner.partition, owner.id);
        let landed = match timeout(LOAD_LIMIT, load).await {
            Ok(result) => result.map_err(Arc::new),
            Err(_) => Err(Arc::new(StoreError::new(
                StoreErrorKind::Timeout,
                format!("the look-up of an offer took longer than {LOAD_LIMIT:?}"),
            ))),
        };
        self.landed = Some(landed);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let landed = self.landed.take();
        let landed = landed.unwrap_or_else(|| Err(Arc::new(flight::lost())));
        // Kept before it is told, so that who is woken by it and asks again finds it.
        self.shared.land(&self.flight, &landed);
        self.sender.send_replace(Some(landed));
    }
}
