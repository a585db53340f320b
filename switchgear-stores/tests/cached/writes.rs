//! Writes of the same process are seen at once, whatever is under way and whoever hangs up.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures::poll;
use switchgear_core::{
    offer::{OfferMetadataStore as _, OfferStore as _},
    store::StoreErrorKind,
};
use switchgear_stores::cached::CacheConfig;
use tokio::time::advance;
use uuid::Uuid;

use super::{
    fixture::{self, Fixture, TTL, metadata, offer, partition, seen},
    store::Fault,
};

#[tokio::test(start_paused = true)]
async fn sees_each_write_at_once() {
    let fixture = Fixture::new(CacheConfig::new(TTL)).await;
    let writer = &fixture.writer;
    assert_eq!(fixture.see(1).await.unwrap(), None);
    writer.post_offer(offer(1, 1)).await.unwrap();
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    writer.put_offer(offer(1, 2)).await.unwrap();
    assert_eq!(fixture.see(1).await.unwrap(), seen(2, "coffee"));
    writer.put_metadata(metadata("tea")).await.unwrap();
    assert_eq!(fixture.see(1).await.unwrap(), seen(2, "tea"));
    writer
        .delete_offer(&partition(), Uuid::from_u128(1))
        .await
        .unwrap();
    assert_eq!(fixture.see(1).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn forgets_no_offer_for_a_metadata_record_that_is_new() {
    let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
    for id in 1..3 {
        let record = switchgear_core::offer::OfferMetadata {
            id: Uuid::from_u128(id),
            ..metadata("tea")
        };
        if id == 1 {
            fixture.writer.post_metadata(record).await.unwrap();
        } else {
            fixture.writer.put_metadata(record).await.unwrap();
        }
    }
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    assert_eq!(fixture.store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_was_under_way_does_not_bring_the_old_value_back() {
    for of_metadata in [false, true] {
        let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
        advance(TTL).await;
        fixture.store.set(Fault::Holds);
        let mut early = pin!(fixture.see(1));
        assert!(poll!(early.as_mut()).is_pending());
        fixture.store.until_loads(2).await;

        // The early load has read the old value by now. The write is let through, and it stays held.
        let expected = if of_metadata {
            fixture
                .store
                .records
                .put_metadata(metadata("tea"))
                .await
                .unwrap();
            seen(1, "tea")
        } else {
            fixture.store.records.put_offer(offer(1, 2)).await.unwrap();
            seen(2, "coffee")
        };
        let write = async {
            if of_metadata {
                fixture.writer.put_metadata(metadata("tea")).await
            } else {
                fixture.writer.put_offer(offer(1, 2)).await
            }
        };
        let mut write = pin!(write);
        assert!(poll!(write.as_mut()).is_pending());
        fixture.store.until_writes(1).await;
        fixture.store.set(Fault::None);
        write.await.unwrap();

        assert_eq!(fixture.see(1).await.unwrap(), expected);
        // Whoever asked before the write may see either.
        early.await.unwrap();
        assert_eq!(fixture.see(1).await.unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_after_a_write_does_not_join_a_load_from_before_it() {
    let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
    advance(TTL).await;
    fixture.store.set(Fault::Holds);
    let mut early = pin!(fixture.see(1));
    assert!(poll!(early.as_mut()).is_pending());
    fixture.store.until_loads(2).await;

    // A write that fails: what the database then holds is not known.
    let failing = Refusing(StoreErrorKind::Unavailable);
    let failing = fixture.cache.invalidated_by(Arc::new(failing));
    failing.put_offer(offer(1, 2)).await.unwrap_err();
    let mut late = pin!(fixture.see(1));
    assert!(poll!(late.as_mut()).is_pending());
    fixture.store.until_loads(3).await;
    fixture.store.set(Fault::None);
    assert_eq!(early.await.unwrap(), seen(1, "coffee"));
    assert_eq!(late.await.unwrap(), seen(1, "coffee"));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_caller_hangs_up_after_the_commit_is_seen() {
    for fault in [Fault::Holds, Fault::Panics] {
        let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
        fixture.store.set(fault);
        {
            let write = pin!(fixture.writer.put_offer(offer(1, 2)));
            assert!(poll!(write).is_pending());
            fixture.store.until_writes(1).await;
        }
        let is_held = || {
            let held = fixture.cache.fresh(&partition(), Uuid::from_u128(1));
            held.is_some()
        };
        if fault == Fault::Holds {
            assert!(is_held(), "the write has not ended yet");
        }
        fixture.store.set(Fault::None);
        // The write goes on without its caller, on this same thread.
        for _ in 0..1_000 {
            if is_held() {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(fixture.see(1).await.unwrap(), seen(2, "coffee"));
    }
}

#[tokio::test(start_paused = true)]
async fn falls_back_on_nothing_from_before_a_write() {
    for of_metadata in [false, true] {
        let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
        if of_metadata {
            fixture.writer.put_metadata(metadata("tea")).await.unwrap();
        } else {
            fixture.writer.put_offer(offer(1, 2)).await.unwrap();
        }
        fixture.store.set(Fault::Fails);
        let error = fixture.see(1).await.unwrap_err();
        assert_eq!(error.to_string(), "the database is down");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_ends_freshness_and_leaves_what_there_is_to_fall_back_on() {
    for of_metadata in [false, true] {
        let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
        fixture.store.set(Fault::Fails);
        for attempt in 1..4 {
            // Committed, and failed all the same.
            let error = if of_metadata {
                fixture.writer.put_metadata(metadata("tea")).await
            } else {
                fixture.writer.put_offer(offer(1, 2)).await
            };
            assert_eq!(error.unwrap_err().kind(), StoreErrorKind::Unavailable);
            fixture.store.until_writes(attempt).await;
            let held = fixture.cache.fresh(&partition(), Uuid::from_u128(1));
            assert_eq!(held, None);
            // The second look-up finds that the store failed just now, the next write ends that.
            for _ in 0..2 {
                assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
                assert_eq!(fixture.store.loads(), 1 + attempt);
            }
        }
        fixture.store.set(Fault::None);
        advance(CacheConfig::default().retry_pause).await;
        let expected = if of_metadata {
            seen(1, "tea")
        } else {
            seen(2, "coffee")
        };
        assert_eq!(fixture.see(1).await.unwrap(), expected);
        let held = fixture.cache.fresh(&partition(), Uuid::from_u128(1));
        assert!(held.is_some(), "what is loaded after the doubt is fresh");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_forgets_nothing() {
    for kind in [
        StoreErrorKind::Invalid,
        StoreErrorKind::NotFound,
        StoreErrorKind::Conflict,
    ] {
        let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
        let writer = fixture.cache.invalidated_by(Arc::new(Refusing(kind)));
        let error = writer.put_offer(offer(1, 2)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
        assert_eq!(fixture.store.loads(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_thread_sees_an_old_value_after_a_write() {
    const WRITES: u64 = 3_000;

    let fixture = Arc::new(Fixture::warm(CacheConfig::new(TTL)).await);
    let committed = Arc::new(AtomicU64::new(1));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (fixture, committed, done) = (fixture.clone(), committed.clone(), done.clone());
            tokio::spawn(async move {
                let mut looks = 0_u64;
                while !done.load(Ordering::Acquire) {
                    let least = committed.load(Ordering::Acquire);
                    let (version, text) = fixture::see(&fixture.cache, 1).await.unwrap().unwrap();
                    assert!(version >= least, "{version} after {least}");
                    let text: u64 = text.parse().unwrap_or(1);
                    assert!(text >= least, "the text {text} after {least}");
                    looks += 1;
                    if looks.is_multiple_of(16) {
                        tokio::task::yield_now().await;
                    }
                }
                looks
            })
        })
        .collect();
    for version in 2..=WRITES {
        fixture.writer.put_offer(offer(1, version)).await.unwrap();
        fixture
            .writer
            .put_metadata(metadata(&version.to_string()))
            .await
            .unwrap();
        committed.store(version, Ordering::Release);
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
}

/// A store whose every request fails in this way.
#[derive(Debug)]
struct Refusing(StoreErrorKind);

mod refusing {
    use async_trait::async_trait;
    use switchgear_core::{
        Partition,
        offer::{Offer, OfferStore},
        store::{Page, StoreError, Written},
    };
    use uuid::Uuid;

    use super::Refusing;

    impl Refusing {
        fn refused<R>(&self) -> Result<R, StoreError> {
            Err(StoreError::new(self.0, "full"))
        }
    }

    #[async_trait]
    impl OfferStore for Refusing {
        async fn offer(&self, _: &Partition, _: Uuid) -> Result<Option<Offer>, StoreError> {
            self.refused()
        }

        async fn offers(&self, _: &Partition, _: Page) -> Result<Vec<Offer>, StoreError> {
            self.refused()
        }

        async fn post_offer(&self, _: Offer) -> Result<(), StoreError> {
            self.refused()
        }

        async fn put_offer(&self, _: Offer) -> Result<Written, StoreError> {
            self.refused()
        }

        async fn delete_offer(&self, _: &Partition, _: Uuid) -> Result<(), StoreError> {
            self.refused()
        }
    }
}
