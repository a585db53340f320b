//! One load for all who wait for it.

use std::{pin::pin, time::Duration};

use futures::{FutureExt as _, future::join_all, poll};
use switchgear_core::store::StoreErrorKind;
use switchgear_stores::cached::{CacheConfig, CachedOffers};

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

#[tokio::test(start_paused = true)]
async fn look_ups_that_are_dropped_leave_no_more_loads_than_the_bound() {
    let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
    tokio::time::advance(TTL).await;
    fixture.store.set(Fault::Holds);
    let bound = CachedOffers::MAX_LOADS;
    let mut refused = 0;
    for id in 0..bound + 10 {
        // Dropped at once.
        match fixture.see(1_000 + id as u128).now_or_never() {
            None => {}
            Some(answer) => {
                let error = answer.unwrap_err();
                assert_eq!(error.kind(), StoreErrorKind::Unavailable);
                assert!(error.to_string().contains("too many"), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 10);
    // What is there is served, and without a wait.
    let answer = fixture.see(1).now_or_never().unwrap();
    assert_eq!(answer.unwrap(), seen(1, "coffee"));
    fixture.store.until_loads(1 + bound).await;
    assert_eq!(fixture.store.loads(), 1 + bound);

    fixture.store.set(Fault::None);
    for id in 0..bound {
        assert_eq!(fixture.see(1_000 + id as u128).await.unwrap(), None);
    }
    fixture.store.records.put_offer(offer(1, 2)).await.unwrap();
    assert_eq!(fixture.see(1).await.unwrap(), seen(2, "coffee"));
}
