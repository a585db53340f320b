//! One load for all who wait for it.

use std::{pin::pin, time::Duration};

use futures::{future::join_all, poll};
use switchgear_core::store::StoreErrorKind;
use switchgear_stores::cached::CacheConfig;

use super::{
    fixture::{Fixture, TTL, offer, seen},
    store::Fault,
};
use switchgear_core::offer::OfferStore as _;

const WAITERS: usize = 100;

async fn held() -> Fixture {
    let fixture = Fixture::new(CacheConfig::new(TTL)).await;
    fixture.store.records.put_offer(offer(1, 1)).await.unwrap();
    fixture.store.set(Fault::Holds);
    fixture
}

#[tokio::test(start_paused = true)]
async fn one_load_serves_all_who_wait_and_outlives_the_first_of_them() {
    let fixture = held().await;
    {
        let first = pin!(fixture.see(1));
        assert!(poll!(first).is_pending());
        fixture.store.until_loads(1).await;
    }
    let mut waiters = pin!(join_all((0..WAITERS).map(|_| fixture.see(1))));
    assert!(poll!(waiters.as_mut()).is_pending());
    fixture.store.set(Fault::None);
    for answer in waiters.await {
        assert_eq!(answer.unwrap(), seen(1, "coffee"));
    }
    assert_eq!(fixture.store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_nobody_waits_for_any_more_is_kept() {
    let fixture = held().await;
    {
        let only = pin!(fixture.see(1));
        assert!(poll!(only).is_pending());
        fixture.store.until_loads(1).await;
    }
    fixture.store.set(Fault::None);
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    assert_eq!(fixture.store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_fails_or_panics_wakes_all_and_the_next_one_is_asked() {
    for (fault, words) in [
        (Fault::Fails, "the database is down"),
        (Fault::Panics, "did not come to its end"),
    ] {
        let fixture = Fixture::new(CacheConfig::new(TTL)).await;
        fixture.store.records.put_offer(offer(1, 1)).await.unwrap();
        fixture.store.set(fault);
        for answer in join_all((0..WAITERS).map(|_| fixture.see(1))).await {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
            assert!(error.to_string().contains(words), "{error}");
        }
        assert_eq!(fixture.store.loads(), 1);
        fixture.store.set(Fault::None);
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_never_ends_is_given_up() {
    let fixture = held().await;
    let began = tokio::time::Instant::now();
    let error = fixture.see(1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    assert!(began.elapsed() >= Duration::from_secs(15));
    fixture.store.set(Fault::None);
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
}
