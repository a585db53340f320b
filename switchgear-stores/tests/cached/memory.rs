//! What the cache holds stays within its bounds, and what is popular stays in it.

use switchgear_core::offer::OfferStore as _;
use switchgear_stores::cached::CacheConfig;

use super::fixture::{Fixture, TTL, metadata, offer};
use switchgear_core::offer::OfferMetadataStore as _;

#[tokio::test(start_paused = true)]
async fn ids_that_have_no_offer_push_out_none_that_has() {
    let config = CacheConfig {
        absence_bytes: 64 * 1024,
        ..CacheConfig::new(TTL)
    };
    let fixture = Fixture::new(config.clone()).await;
    for id in 1..=100 {
        fixture.store.records.put_offer(offer(id, 1)).await.unwrap();
        fixture.see(id).await.unwrap().unwrap();
    }
    let before = fixture.cache.figures();
    for id in 1_000..11_000 {
        assert_eq!(fixture.see(id).await.unwrap(), None);
    }
    let after = fixture.cache.figures();
    assert_eq!(after.offers, 100);
    assert!(after.absences > 50 && after.absences < 1_000, "{after:?}");
    assert!(after.bytes <= before.bytes + config.absence_bytes);
    let loads = fixture.store.loads();
    for id in 1..=100 {
        fixture.see(id).await.unwrap().unwrap();
    }
    assert_eq!(fixture.store.loads(), loads, "all of them are still held");
}

#[tokio::test(start_paused = true)]
async fn offers_stay_within_their_bytes_and_popular_ones_stay_longest() {
    for offer_bytes in [1_usize << 20, 1 << 22] {
        let config = CacheConfig {
            offer_bytes,
            ..CacheConfig::new(TTL)
        };
        let fixture = Fixture::new(config).await;
        let text = "x".repeat(10_000);
        fixture
            .store
            .records
            .put_metadata(metadata(&text))
            .await
            .unwrap();
        let mut popular_loads = 0;
        for id in 1..=1_000 {
            fixture.store.records.put_offer(offer(id, 1)).await.unwrap();
            fixture.see(id).await.unwrap().unwrap();
            let loads = fixture.store.loads();
            fixture.see(1).await.unwrap().unwrap();
            popular_loads += fixture.store.loads() - loads;
            assert!(fixture.cache.figures().bytes <= offer_bytes);
        }
        let figures = fixture.cache.figures();
        assert!(figures.bytes > offer_bytes / 2, "{figures:?}");
        assert!(figures.offers < 1_000, "{figures:?}");
        assert_eq!(popular_loads, 0, "the popular one stayed");
    }
}

#[tokio::test(start_paused = true)]
async fn an_offer_too_large_to_keep_is_served_all_the_same() {
    let config = CacheConfig {
        offer_bytes: 16 * 1024,
        ..CacheConfig::new(TTL)
    };
    let fixture = Fixture::new(config).await;
    let text = "x".repeat(10_000);
    fixture
        .store
        .records
        .put_metadata(metadata(&text))
        .await
        .unwrap();
    fixture.store.records.put_offer(offer(1, 1)).await.unwrap();
    for loads in 1..3 {
        fixture.see(1).await.unwrap().unwrap();
        assert_eq!(fixture.store.loads(), loads);
    }
    assert_eq!(fixture.cache.figures().bytes, 0);
}
