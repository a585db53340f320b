use std::{fmt, sync::Arc, time::Duration};

use parking_lot::RwLock;
use switchgear_core::{
    ErrorChain, Partition,
    offer::OfferProvider,
    store::{StoreError, StoreErrorKind},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{
    Answer, CacheConfig,
    flight::{self, Flight, Landed},
    key::{Key, Keys, Owned},
    outage::Outage,
    shard::{Content, Shard, Stale},
};

/// How many parts the cache has, each with a lock and an equal share of the memory of its own.
const SHARDS: usize = 16;

/// How long a load may take. Stores have timeouts of their own, shorter ones: this one sees to it that
/// no look-up joins a load that will never end.
const LOAD_LIMIT: Duration = Duration::from_secs(15);

/// What the read path, the loads under way and the writers share.
pub(super) struct Shared {
    pub(super) config: CacheConfig,
    pub(super) outage: Outage,
    store: Arc<dyn OfferProvider>,
    keys: Keys,
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
}

impl Shared {
    pub(super) fn new(store: Arc<dyn OfferProvider>, config: CacheConfig) -> Self {
        let offer_bytes = config.offer_bytes / SHARDS;
        let absence_bytes = config.absence_bytes / SHARDS;
        Self {
            config,
            outage: Outage::default(),
            store,
            keys: Keys::new(),
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
            stale => {
                let flight = self.take_off(&key, now);
                shard.begin(Arc::clone(&flight));
                Boarded::Waiting(flight, stale)
            }
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

    fn take_off(self: &Arc<Self>, key: &Key<'_>, now: Instant) -> Arc<Flight> {
        let (flight, sender) = Flight::new(Owned::from(key), now);
        let flight = Arc::new(flight);
        let landing = Landing {
            shared: Arc::clone(self),
            flight: Arc::clone(&flight),
            sender,
            landed: None,
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
            Ok(_) => self.outage.answered(),
            Err(error) => self.outage.failed(now, ErrorChain(&**error)),
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
