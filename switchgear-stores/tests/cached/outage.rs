//! Older answers while the store does not answer, and the end of that.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use switchgear_core::{offer::OfferStore as _, store::StoreErrorKind};
use switchgear_stores::cached::CacheConfig;
use tokio::time::{Instant, advance};

use super::{
    MILLISECOND,
    fixture::{Fixture, TTL, offer, seen},
    store::Fault,
};

#[tokio::test(start_paused = true)]
async fn serves_what_it_had_while_the_store_fails_and_asks_again_after_a_pause() {
    let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
    assert_eq!(fixture.cache.figures().stale_age, None);
    fixture.store.records.put_offer(offer(1, 2)).await.unwrap();
    fixture.store.set(Fault::Fails);
    advance(2 * TTL).await;
    for _ in 0..10 {
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    }
    assert_eq!(fixture.store.loads(), 2, "one load for the whole pause");
    assert_eq!(fixture.cache.figures().stale_age, Some(2 * TTL));

    let pause = CacheConfig::default().retry_pause;
    advance(pause).await;
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    assert_eq!(fixture.store.loads(), 3);
    fixture.store.set(Fault::None);
    advance(pause).await;
    assert_eq!(fixture.see(1).await.unwrap(), seen(2, "coffee"));
    assert_eq!(fixture.cache.figures().stale_age, None);
}

#[tokio::test(start_paused = true)]
async fn serves_what_it_had_no_longer_than_it_was_told() {
    for limit in [5 * TTL, 10 * TTL] {
        let config = CacheConfig {
            stale_limit: limit,
            ..CacheConfig::new(TTL)
        };
        let fixture = Fixture::warm(config).await;
        fixture.store.set(Fault::Fails);
        advance(limit - MILLISECOND).await;
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
        advance(MILLISECOND).await;
        let error = fixture.see(1).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(error.to_string(), "the database is down");
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_fall_back_on_that_there_was_no_offer() {
    let fixture = Fixture::new(CacheConfig::new(TTL)).await;
    assert_eq!(fixture.see(1).await.unwrap(), None);
    fixture.store.set(Fault::Fails);
    advance(TTL).await;
    let error = fixture.see(1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn waits_a_little_for_a_store_that_hangs_and_then_not_at_all() {
    for patience in [100, 900].map(Duration::from_millis) {
        let config = CacheConfig {
            patience,
            ..CacheConfig::new(TTL)
        };
        let fixture = Fixture::warm(config).await;
        fixture.store.set(Fault::Holds);
        advance(TTL).await;
        for wait in [patience, Duration::ZERO, Duration::ZERO] {
            let began = Instant::now();
            assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
            // The runtime's timers round up to the next millisecond.
            let waited = began.elapsed();
            assert!(
                waited >= wait && waited <= wait + 2 * MILLISECOND,
                "{waited:?}"
            );
        }
        assert_eq!(fixture.store.loads(), 2, "all of them share one load");
        assert!(fixture.cache.figures().stale_age >= Some(TTL));

        // Once the store answers, so does the load that waits for it.
        fixture.store.set(Fault::None);
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
        tokio::task::yield_now().await;
        assert_eq!(fixture.cache.figures().stale_age, None);
    }
}

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Of this thread alone, and the runtime has no other.
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn warns_once_a_minute_and_tells_the_end() {
    let (log, _guard) = Log::listen();
    let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
    fixture.store.set(Fault::Fails);
    for _ in 0..119 {
        advance(TTL).await;
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    }
    fixture.store.set(Fault::None);
    for _ in 0..3 {
        advance(TTL).await;
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    }
    let log = log.text();
    let told: Vec<&str> = log.lines().collect();
    let [first, second, end] = told.as_slice() else {
        panic!("{log}");
    };
    for warning in [first, second] {
        assert!(warning.contains("WARN"), "{warning}");
        assert!(
            warning.ends_with("served as they were: the database is down"),
            "{warning}"
        );
    }
    assert!(
        end.contains("INFO") && end.ends_with("answers again"),
        "{end}"
    );
}

#[tokio::test(start_paused = true)]
async fn warns_of_offers_served_as_they_were_only_when_there_are_any() {
    let (log, _guard) = Log::listen();
    let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
    fixture.store.set(Fault::Fails);
    fixture.see(2).await.unwrap_err();
    let told = log.text();
    assert!(told.contains("look-ups fail"), "{told}");
    assert!(told.contains("the database is down"), "{told}");
    assert!(!told.contains("served as they were"), "{told}");
    // The other thing that happens is told of too.
    advance(TTL).await;
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    let told = log.text();
    assert!(told.contains("served as they were"), "{told}");
    assert_eq!(told.lines().count(), 2, "{told}");
}

#[tokio::test(start_paused = true)]
async fn another_offers_answer_ends_an_outage_only_after_a_pause_without_failures() {
    let (log, _guard) = Log::listen();
    let fixture = Fixture::warm(CacheConfig::new(TTL)).await;
    fixture.store.set(Fault::Fails);
    advance(2 * TTL).await;
    assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
    fixture.store.set(Fault::None);
    let pause = CacheConfig::default().retry_pause;
    advance(pause - MILLISECOND).await;
    assert_eq!(fixture.see(2).await.unwrap(), None);
    assert_eq!(fixture.cache.figures().stale_age, Some(2 * TTL));
    advance(MILLISECOND).await;
    assert_eq!(fixture.see(3).await.unwrap(), None);
    assert_eq!(fixture.cache.figures().stale_age, None);
    let told = log.text();
    assert_eq!(told.matches("answers again").count(), 1, "{told}");
}
