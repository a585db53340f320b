//! The cache on the read path of offers, over a store that fails as it is told. Time is virtual, but
//! where several threads race.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do, and clippy takes only #[test] for a test"
)]

mod fixture;
mod laws;
mod memory;
mod outage;
mod store;
mod waiters;
mod writes;

use std::{sync::Arc, time::Duration};

use fixture::{Fixture, TTL, offer, seen};
use switchgear_core::offer::{OfferMetadataStore, OfferProvider, OfferStore as _};
use switchgear_stores::{
    cached::{CacheConfig, CachedOffers},
    conformance,
    memory::MemoryOfferStore,
};
use tokio::time::advance;

const MILLISECOND: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_store_behind_the_cache_passes_the_suite_of_offers() {
    let store = Arc::new(MemoryOfferStore::new());
    let cache = CachedOffers::new(store.clone(), CacheConfig::default());
    let writer = cache.invalidated_by(store.clone());
    conformance::metadata(&writer).await;
    conformance::offers(&writer, &writer).await;
    // Of the shared and unnamed kind too, as services hold them.
    let metadata: Arc<dyn OfferMetadataStore> = store;
    let metadata = cache.invalidated_by(metadata);
    let provider: Arc<dyn OfferProvider> = Arc::new(cache);
    conformance::provider(&provider, &writer, &metadata).await;
}

#[tokio::test(start_paused = true)]
async fn answers_for_as_long_as_it_was_told_and_asks_then() {
    for ttl in [TTL, 3 * TTL] {
        let fixture = Fixture::warm(CacheConfig::new(ttl)).await;
        let foreign = &fixture.store.records;
        foreign.put_offer(offer(1, 2)).await.unwrap();
        advance(ttl - MILLISECOND).await;
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
        assert_eq!(fixture.store.loads(), 1);
        advance(MILLISECOND).await;
        assert_eq!(fixture.see(1).await.unwrap(), seen(2, "coffee"));
        assert_eq!(fixture.store.loads(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_that_an_id_has_no_offer_for_as_long() {
    let fixture = Fixture::new(CacheConfig::new(TTL)).await;
    assert_eq!(fixture.see(1).await.unwrap(), None);
    fixture.store.records.put_offer(offer(1, 1)).await.unwrap();
    advance(TTL - MILLISECOND).await;
    assert_eq!(fixture.see(1).await.unwrap(), None);
    assert_eq!(fixture.store.loads(), 1);
    advance(MILLISECOND).await;
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));

    fixture
        .store
        .records
        .delete_offer(&fixture::partition(), uuid::Uuid::from_u128(1))
        .await
        .unwrap();
    advance(TTL).await;
    assert_eq!(fixture.see(1).await.unwrap(), None);
    let figures = fixture.cache.figures();
    assert_eq!((figures.offers, figures.absences), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_time_every_look_up_asks() {
    let fixture = Fixture::warm(CacheConfig::new(Duration::ZERO)).await;
    for loads in 2..5 {
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
        assert_eq!(fixture.store.loads(), loads);
    }
}
