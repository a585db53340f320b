//! A cache on the read path of offers: [`CachedOffers`] keeps what another
//! [`OfferProvider`](switchgear_core::offer::OfferProvider) answered, rendered and hashed as it is.
//!
//! | the store | a look-up is answered |
//! |---|---|
//! | answers | from the cache when the answer there is younger than [`CacheConfig::ttl`], else by the store |
//! | fails, or takes longer than [`CacheConfig::patience`] | from the cache when the offer there is younger than [`CacheConfig::stale_limit`], else with the store's error |
//!
//! - **One load for many.** Whoever asks for what is being loaded waits for that load. The first
//!   request after the time is over begins it, and nothing in the background: a popular offer then
//!   costs one request in `ttl` the time of a look-up, an offer that nobody asks for costs nothing, and
//!   no answer is older than `ttl` because a refresh came late.
//! - **Absences too.** That an id has no offer is kept for `ttl` as well. It is no answer to fall back
//!   on while the store is down: then the look-up fails.
//! - **Age** is counted from the beginning of the load. An answer is never older than that says.
//! - **Writes** through [`CachedOffers::invalidated_by`] are seen at once. A load that was under way is
//!   taken away from those who come after the write, and what it brings is not kept. A write that
//!   failed takes nothing away that there is to fall back on.
//! - **Memory** is bounded in bytes, for offers and for absences apart. What was not used goes first.
//!   Loads under way are bounded too, by [`CachedOffers::MAX_LOADS`].
//!
//! A look-up that is served from the cache takes one of sixteen locks for reading, allocates nothing
//! but the future that the trait asks for, and copies no picture. No lock is held over an await.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use switchgear_core::offer::{OfferMetadataStore, OfferProvider, OfferStore};
//! use switchgear_stores::{cached::{CacheConfig, CachedOffers}, memory::MemoryOfferStore};
//!
//! let store = Arc::new(MemoryOfferStore::new());
//! let cache = CachedOffers::new(store.clone(), CacheConfig::new(Duration::from_secs(2)));
//! // For whoever writes:
//! let offers: Arc<dyn OfferStore> = Arc::new(cache.invalidated_by(store.clone()));
//! let metadata: Arc<dyn OfferMetadataStore> = Arc::new(cache.invalidated_by(store));
//! // For whoever serves:
//! let provider: Arc<dyn OfferProvider> = Arc::new(cache);
//! ```

mod config;
mod flight;
mod key;
mod outage;
mod provider;
mod shard;
mod shared;
mod shelf;
mod writes;

use std::sync::Arc;

use switchgear_core::offer::PayableOffer;

pub use self::{
    config::CacheConfig,
    provider::{CacheFigures, CachedOffers},
    writes::InvalidatingStore,
};

/// An offer, or that there is none.
type Answer = Option<Arc<PayableOffer>>;
