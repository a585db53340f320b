//! The SQLite store against the suite that every store passes, and what only a file can do.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod support;

use std::{future::Future, path::Path, pin::pin, task::Poll};

use futures::future::{join_all, poll_fn};
use support::{backend, metadata, offer, page};
use switchgear_core::{
    Partition,
    backend::{BackendPatch, BackendSnapshot, DiscoveryBackendStore, DiscoveryFeed},
    offer::{OfferMetadataStore, OfferProvider, OfferStore},
    store::{PageStart, StoreErrorKind, Written},
};
use switchgear_stores::{
    conformance,
    sqlite::{SqliteConfig, SqliteStore},
};
use tempfile::TempDir;

async fn open(folder: &Path, max_connections: usize) -> SqliteStore {
    let url = format!("sqlite://{}?mode=rwc", folder.join("store.db").display());
    let config = SqliteConfig {
        url,
        max_connections,
    };
    SqliteStore::connect(config).await.unwrap()
}

async fn refusal(url: String) -> switchgear_core::store::StoreError {
    SqliteStore::connect(SqliteConfig::new(url))
        .await
        .unwrap_err()
}

fn partition() -> Partition {
    Partition::try_new("default").unwrap()
}

async fn conforms(store: &SqliteStore) {
    conformance::discovery(store).await;
    conformance::discovery_changes(store).await;
    conformance::discovery_cancellation(store).await;
    conformance::metadata(store).await;
    conformance::offers(store, store).await;
    conformance::offers_cancellation(store, store).await;
    conformance::provider(store, store, store).await;
}

#[tokio::test]
async fn passes_the_suite_in_a_file() {
    let folder = TempDir::new().unwrap();
    conforms(&open(folder.path(), 4).await).await;
}

#[tokio::test]
async fn passes_the_suite_over_one_connection() {
    let folder = TempDir::new().unwrap();
    conforms(&open(folder.path(), 1).await).await;
}

#[tokio::test]
async fn passes_the_suite_in_memory() {
    let config = SqliteConfig::new("sqlite::memory:");
    conforms(&SqliteStore::connect(config).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_suite_on_many_threads() {
    let folder = TempDir::new().unwrap();
    conforms(&open(folder.path(), 4).await).await;
}

#[tokio::test]
async fn keeps_its_records_and_their_order_when_it_is_opened_again() {
    let folder = TempDir::new().unwrap();
    let text = metadata();
    let offers = [offer(&text), offer(&text)];
    let version = {
        let store = open(folder.path(), 3).await;
        store.post(backend("b")).await.unwrap();
        store.post(backend("a")).await.unwrap();
        store.post_metadata(text.clone()).await.unwrap();
        for offer in &offers {
            store.post_offer(offer.clone()).await.unwrap();
        }
        let BackendSnapshot::Changed { version, .. } = store.snapshot(None).await.unwrap() else {
            panic!("no version was known");
        };
        version
    };

    let store = open(folder.path(), 3).await;
    let unchanged = store.snapshot(Some(&version)).await.unwrap();
    assert!(matches!(unchanged, BackendSnapshot::Unchanged));
    let BackendSnapshot::Changed { backends, .. } = store.snapshot(None).await.unwrap() else {
        panic!("no version was known");
    };
    assert_eq!(backends, [backend("b"), backend("a")]);
    let listed = store
        .offers(&partition(), page(PageStart::Offset(0), 9))
        .await;
    assert_eq!(listed.unwrap(), offers);
    let served = store.payable(&partition(), offers[0].id).await.unwrap();
    assert_eq!(served.unwrap().id, offers[0].id);

    // A place in the order is never given twice, even that of the last record.
    store
        .delete_offer(&partition(), offers[1].id)
        .await
        .unwrap();
    store.post_offer(offers[1].clone()).await.unwrap();
    let behind = page(PageStart::After(offers[0].id), 9);
    let listed = store.offers(&partition(), behind).await;
    assert_eq!(listed.unwrap(), offers[1..]);
}

#[tokio::test]
async fn sees_what_another_store_wrote_into_the_same_file() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (open(folder.path(), 3).await, open(folder.path(), 3).await);
    let BackendSnapshot::Changed { version, .. } = one.snapshot(None).await.unwrap() else {
        panic!("no version was known");
    };
    let written = other.put(backend("a")).await.unwrap();
    assert_eq!(written, Written::Created);
    let BackendSnapshot::Changed {
        backends, version, ..
    } = one.snapshot(Some(&version)).await.unwrap()
    else {
        panic!("the other store's backend is not seen");
    };
    assert_eq!(backends, [backend("a")]);
    let seen = other.snapshot(Some(&version)).await.unwrap();
    assert!(
        matches!(seen, BackendSnapshot::Unchanged),
        "one version for both"
    );
}

#[tokio::test]
async fn writes_of_two_stores_on_one_file_take_turns() {
    let folder = TempDir::new().unwrap();
    let stores = [open(folder.path(), 2).await, open(folder.path(), 2).await];
    let writes = (0..40).map(|n| stores[n % 2].post(backend(&format!("node-{n}"))));
    for write in join_all(writes).await {
        write.unwrap();
    }
    let BackendSnapshot::Changed { backends, .. } = stores[0].snapshot(None).await.unwrap() else {
        panic!("no version was known");
    };
    assert_eq!(backends.len(), 40);
}

/// How many commits the write-ahead log holds; it is not reset before a thousand pages.
fn commits(folder: &Path) -> usize {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log = std::fs::read(folder.join("store.db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let frame = FRAME_HEADER + number(8) as usize;
    // A frame that ends a transaction says how large the database is behind it.
    (HEADER..log.len())
        .step_by(frame)
        .filter(|at| number(at + 4) != 0)
        .count()
}

#[tokio::test]
async fn writes_that_wait_at_the_same_time_share_a_commit() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 4).await;
    let text = metadata();
    store.post_metadata(text.clone()).await.unwrap();

    let before = commits(folder.path());
    let offers: Vec<_> = (0..64).map(|_| offer(&text)).collect();
    for offer in &offers[..8] {
        store.post_offer(offer.clone()).await.unwrap();
    }
    let one_by_one = commits(folder.path()) - before;
    assert_eq!(one_by_one, 8, "a write that is alone is committed alone");

    // Those that are refused take none of their neighbours along.
    let before = commits(folder.path());
    let posts = join_all(offers.iter().map(|each| store.post_offer(each.clone()))).await;
    for (n, post) in posts.into_iter().enumerate() {
        let conflict = post.map_err(|error| error.kind()).err();
        assert_eq!(conflict, (n < 8).then_some(StoreErrorKind::Conflict));
    }
    let together = commits(folder.path()) - before;
    assert!(together <= 4, "56 writes at once took {together} commits");
    let all = page(PageStart::Offset(0), 99);
    let listed = store.offers(&partition(), all).await;
    assert_eq!(listed.unwrap(), offers);
}

#[tokio::test]
async fn migrates_apart_from_the_service() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let config = SqliteConfig::new(url);
    for _ in 0..2 {
        SqliteStore::migrate(config.clone()).await.unwrap();
    }
    // Nothing is left to do for who may not write.
    let read_only = SqliteConfig::new(format!("{}?mode=ro", config.url));
    let store = SqliteStore::connect(read_only).await.unwrap();
    assert!(store.get(&backend("a").address).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_may_start_at_once_on_a_new_file() {
    for _ in 0..5 {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_owned();
        let starts = (0..4).map(|_| {
            let path = path.clone();
            tokio::spawn(async move { open(&path, 2).await })
        });
        for (n, store) in join_all(starts).await.into_iter().enumerate() {
            store
                .unwrap()
                .post(backend(&format!("node-{n}")))
                .await
                .unwrap();
        }
    }
}

/// Polls a future so many times at most, and then drops it.
async fn cancel_after(polls: usize, work: impl Future) -> bool {
    let mut work = pin!(work);
    for _ in 0..polls {
        let done = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready())).await;
        if done {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

#[tokio::test]
async fn cancelled_calls_do_all_or_nothing_and_leave_the_store_usable() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 2).await;
    let subject = backend("a");
    store.post(subject.clone()).await.unwrap();
    let mut cancelled = 0;
    for n in 0..300_u16 {
        let polls = usize::from(n % 7) + 1;
        let patch = serde_json::json!({"weight": n, "name": n.to_string()});
        let patch: BackendPatch = serde_json::from_value(patch).unwrap();
        let was_cancelled = match n % 3 {
            0 => cancel_after(polls, store.snapshot(None)).await,
            _ => cancel_after(polls, store.patch(&subject.address, patch)).await,
        };
        cancelled += u32::from(was_cancelled);
    }
    assert!(cancelled > 100, "only {cancelled} calls were cancelled");

    // Behind all others: the one writer serves in turn.
    let last = BackendPatch::enabled(false);
    store.patch(&subject.address, last).await.unwrap();
    let found = store.get(&subject.address).await.unwrap().unwrap();
    assert!(!found.enabled);
    let name = found.name.map(|name| name.to_string());
    assert_eq!(name, Some(found.weight.get().to_string()), "half a patch");
    assert!(
        found.weight.get() > 200,
        "a cancelled write is not taken back"
    );
}

#[tokio::test]
async fn tells_a_change_even_when_its_caller_has_gone() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 2).await;
    let mut changes = store.changes();
    assert!(cancel_after(1, store.post(backend("a"))).await);
    let told = poll_fn(|context| changes.as_mut().poll_next(context));
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), told).await;
    assert_eq!(told, Ok(Some(())));
    assert!(store.get(&backend("a").address).await.unwrap().is_some());
}

#[tokio::test]
async fn names_the_file_that_it_cannot_open_and_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("no").join("store.db");
    let error = refusal(format!("sqlite://{}", missing.display())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let expected = format!(
        "folder {} does not exist",
        folder.path().join("no").display()
    );
    assert!(error.to_string().contains(&expected), "{error}");

    let error = refusal(format!("sqlite://{}", folder.path().display())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let expected = format!("cannot open the database {}", folder.path().display());
    assert!(error.to_string().contains(&expected), "{error}");

    let absent = folder.path().join("absent.db");
    let error = refusal(format!("sqlite://{}?mode=rw", absent.display())).await;
    assert!(error.to_string().contains("absent.db"), "{error}");
    assert!(!absent.exists(), "mode=rw must not create the file");

    let junk = folder.path().join("junk.db");
    std::fs::write(
        &junk,
        "no database, and longer than a header of a hundred bytes ".repeat(9),
    )
    .unwrap();
    let error = refusal(format!("sqlite://{}", junk.display())).await;
    assert!(
        error.to_string().contains("must be a SQLite database"),
        "{error}"
    );
    assert!(error.to_string().contains("junk.db"), "{error}");
}

#[test]
fn shows_no_password_of_another_database() {
    let config = SqliteConfig::new("postgres://user:hunter2@db/x");
    assert!(!format!("{config:?}").contains("hunter2"));
    let config = SqliteConfig::new("sqlite://x.db");
    assert!(format!("{config:?}").contains("sqlite://x.db"));
}

#[tokio::test]
async fn reads_a_file_that_it_may_not_write() {
    let folder = TempDir::new().unwrap();
    let writer = open(folder.path(), 2).await;
    writer.post(backend("a")).await.unwrap();

    let url = format!(
        "sqlite://{}?mode=ro",
        folder.path().join("store.db").display()
    );
    let reader = SqliteStore::connect(SqliteConfig::new(url)).await.unwrap();
    assert!(reader.get(&backend("a").address).await.unwrap().is_some());
    let error = reader.post(backend("b")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("cannot be written"), "{error}");
}

#[tokio::test]
async fn lists_nothing_behind_the_end() {
    let store = SqliteStore::connect(SqliteConfig::new("sqlite::memory:"))
        .await
        .unwrap();
    let behind = page(PageStart::Offset(u64::MAX), usize::MAX);
    assert_eq!(store.offers(&partition(), behind).await.unwrap(), []);
    assert_eq!(store.metadata_page(&partition(), behind).await.unwrap(), []);
}

#[tokio::test]
async fn stores_in_memory_share_nothing_with_each_other() {
    let open = || SqliteStore::connect(SqliteConfig::new("sqlite://:memory:"));
    let (one, other) = (open().await.unwrap(), open().await.unwrap());
    one.post(backend("a")).await.unwrap();
    assert!(
        one.clone()
            .get(&backend("a").address)
            .await
            .unwrap()
            .is_some()
    );
    assert!(other.get(&backend("a").address).await.unwrap().is_none());
}
