//! Faults of the database itself, which only its own connection can bring about.

mod backends;

use std::{
    future::pending,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use diesel_async::AsyncConnection as _;
use futures::future::join_all;
use serde_json::json;
use switchgear_core::{
    backend::{BackendAddress, DiscoveryBackendStore as _, DiscoveryFeed as _, SnapshotVersion},
    offer::{OfferMetadata, OfferMetadataStore as _},
    store::{Page, PageStart, StoreError, StoreErrorKind},
};
use tempfile::TempDir;
use tokio::time::Instant;
use uuid::Uuid;

use super::{SqliteConfig, SqliteStore, connections::Connection, pool::ConnectionPool};

async fn try_open(folder: &Path) -> Result<SqliteStore, StoreError> {
    let url = format!("sqlite://{}", folder.join("store.db").display());
    SqliteStore::connect(SqliteConfig::new(url)).await
}

async fn open(folder: &Path) -> SqliteStore {
    try_open(folder).await.unwrap()
}

fn metadata(length: usize) -> OfferMetadata {
    serde_json::from_value(json!({
        "id": Uuid::new_v4(), "partition": "default", "text": "x".repeat(length),
    }))
    .unwrap()
}

async fn holds(store: &SqliteStore, record: &OfferMetadata) -> bool {
    let found = store.metadata(&record.partition, record.id).await;
    match found.unwrap() {
        Some(found) => {
            assert_eq!(found, *record, "half a record");
            true
        }
        None => false,
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_over_when_there_is_room() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    // No fewer pages than there are: from here on the database cannot grow.
    store
        .connections
        .on_writer("PRAGMA max_page_count = 1")
        .await;
    let big = metadata(100_000);
    let error = store.post_metadata(big.clone()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("make room"), "{error}");
    assert!(!holds(&store, &big).await);

    let room = "PRAGMA max_page_count = 1000000";
    store.connections.on_writer(room).await;
    store.post_metadata(big.clone()).await.unwrap();
    assert!(holds(&store, &big).await);
}

#[tokio::test]
async fn an_answer_is_true_when_the_disk_fills_amid_a_batch() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    store
        .connections
        .on_writer("PRAGMA max_page_count = 1")
        .await;
    let records: Vec<_> = (0..32)
        .map(|n| metadata(if n % 2 == 0 { 10 } else { 100_000 }))
        .collect();
    let posts = records.iter().map(|each| store.post_metadata(each.clone()));
    let mut failed = 0;
    for (record, post) in records.iter().zip(join_all(posts).await) {
        assert_eq!(post.is_ok(), holds(&store, record).await, "{post:?}");
        if let Err(error) = post {
            failed += 1;
            assert!(error.to_string().contains("make room"), "{error}");
        }
    }
    assert!(failed >= 16, "only {failed} writes met the full disk");
}

#[tokio::test]
async fn an_answer_is_true_when_the_disk_fills_amid_puts() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let limit = "PRAGMA max_page_count = 1";
    store.connections.on_writer(limit).await;
    let (small, big, late) = (metadata(10), metadata(100_000), metadata(10));
    let absent = metadata(10);
    let (first, full, second, refused) = tokio::join!(
        store.put_metadata(small.clone()),
        store.put_metadata(big.clone()),
        store.put_metadata(late.clone()),
        store.delete_metadata(&absent.partition, absent.id),
    );
    let error = full.unwrap_err();
    assert!(error.to_string().contains("make room"), "{error}");
    assert!(!holds(&store, &big).await);
    assert_eq!(first.is_ok(), holds(&store, &small).await, "{first:?}");
    assert_eq!(second.is_ok(), holds(&store, &late).await, "{second:?}");
    refused.unwrap_err();

    let after = metadata(1);
    store.put_metadata(after.clone()).await.unwrap();
    assert!(holds(&open(folder.path()).await, &after).await);
}

#[tokio::test]
async fn a_lost_version_of_the_backends_is_told() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let loss = "DELETE FROM discovery_version";
    store.connections.on_writer(loss).await;
    let address = BackendAddress::try_from_url("https://a.example/").unwrap();
    let known = SnapshotVersion::new("known".to_owned());
    for error in [
        store.delete(&address).await.unwrap_err(),
        store.snapshot(None).await.map(drop).unwrap_err(),
        store.snapshot(Some(&known)).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.to_string().contains("lost the version"), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_gone_or_another_is_not_written() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let (path, aside) = (folder.path().join("store.db"), folder.path().join("aside"));
    std::fs::rename(&path, &aside).unwrap();
    for is_replaced in [false, true] {
        if is_replaced {
            std::fs::write(&path, "").unwrap();
        }
        let error = store.post_metadata(metadata(1)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        let words = "was moved or replaced: restart, or put it back";
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(path.exists(), is_replaced, "no file is created");
    }
    std::fs::rename(&aside, &path).unwrap();
    let after = metadata(1);
    store.post_metadata(after.clone()).await.unwrap();
    assert!(holds(&store, &after).await);
}

#[tokio::test]
async fn a_read_only_database_is_told_and_still_read() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let (before, after) = (metadata(1), metadata(1));
    store.post_metadata(before.clone()).await.unwrap();
    store.connections.on_writer("PRAGMA query_only = ON").await;
    let error = store.post_metadata(after.clone()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert!(holds(&store, &before).await);

    store.connections.on_writer("PRAGMA query_only = OFF").await;
    store.post_metadata(after.clone()).await.unwrap();
    assert!(holds(&store, &after).await);
}

/// As after a start, or a reconnection, while the file's mode was 0444 and another process had it open.
#[tokio::test]
async fn a_file_that_was_opened_read_only_is_written_once_it_may_be() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let file = folder.path().join("store.db");
    store.connections.with_writer_that_only_reads(&file).await;
    let refused = [metadata(1), metadata(1), metadata(1)];
    let posts = refused.iter().map(|each| store.post_metadata(each.clone()));
    for post in join_all(posts).await {
        let error = post.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.to_string().contains("cannot be written"), "{error}");
    }
    for record in &refused {
        assert!(!holds(&store, record).await);
    }

    let after = metadata(1);
    store.post_metadata(after.clone()).await.unwrap();
    assert!(holds(&store, &after).await);
}

#[tokio::test]
async fn a_lock_that_stays_is_told_and_over_with_the_lock() {
    let folder = TempDir::new().unwrap();
    let (store, other) = (open(folder.path()).await, open(folder.path()).await);
    let (before, after) = (metadata(1), metadata(1));
    store.post_metadata(before.clone()).await.unwrap();
    other.connections.on_writer("BEGIN IMMEDIATE").await;
    let posts = (0..4).map(|_| store.post_metadata(metadata(1)));
    for post in join_all(posts).await {
        let error = post.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Timeout);
        assert!(error.to_string().contains("stayed locked"), "{error}");
    }
    assert!(holds(&store, &before).await, "who reads does not wait");

    other.connections.on_writer("ROLLBACK").await;
    store.post_metadata(after.clone()).await.unwrap();
    assert!(holds(&store, &after).await);
}

#[tokio::test]
async fn a_database_without_its_tables_is_told() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let drop_tables = "DROP TABLE offers; DROP TABLE offer_metadata;";
    store.connections.on_writer(drop_tables).await;
    let error = store.post_metadata(metadata(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("store migrate"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let come = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
    store.connections.on_writer(come).await;
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    for outcome in [
        try_open(folder.path()).await.map(drop),
        SqliteStore::migrate(SqliteConfig::new(url)).await,
    ] {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.to_string().contains("newer version"), "{error}");
        assert!(error.to_string().contains("store.db"), "{error}");
    }
    let go = "DELETE FROM __diesel_schema_migrations WHERE version = '9999'";
    store.connections.on_writer(go).await;
    open(folder.path()).await;
}

#[tokio::test]
async fn a_damaged_record_fails_its_own_reader_only() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let (whole, damaged) = (metadata(1), metadata(1));
    store.post_metadata(whole.clone()).await.unwrap();
    store.post_metadata(damaged.clone()).await.unwrap();
    let damage = format!(
        "UPDATE offer_metadata SET image_type = 'png', image = 'junk' WHERE id = '{}'",
        damaged.id
    );
    store.connections.on_writer(&damage).await;
    let found = store.metadata(&damaged.partition, damaged.id).await;
    let error = found.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("cannot be read"), "{error}");
    assert!(error.to_string().contains(&damaged.id.to_string()));
    assert!(holds(&store, &whole).await);
}

/// A page is what a backup is made of: nothing is left out of it in silence.
#[tokio::test]
async fn a_page_with_a_damaged_record_names_it_until_it_is_put_anew() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let records = [metadata(1), metadata(1), metadata(1)];
    for record in &records {
        store.post_metadata(record.clone()).await.unwrap();
    }
    let [first, damaged, last] = &records;
    let damage = format!(
        "UPDATE offer_metadata SET image_type = 'png', image = 'junk' WHERE id = '{}'",
        damaged.id
    );
    store.connections.on_writer(&damage).await;
    let page = |start, count| store.metadata_page(&first.partition, Page { start, count });
    let error = page(PageStart::Offset(0), 3).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains(&damaged.id.to_string()));
    // There is a way around it.
    let behind = page(PageStart::After(damaged.id), 3).await.unwrap();
    assert_eq!(behind, std::slice::from_ref(last));

    store.put_metadata(damaged.clone()).await.unwrap();
    assert_eq!(page(PageStart::Offset(0), 3).await.unwrap(), records);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_made_is_told_from_one_that_others_keep() {
    let unmade = ConnectionPool::try_new(1, pending).unwrap();
    let start = Instant::now();
    let error = unmade.checkout().await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    assert!(error.to_string().contains("see whether it runs"), "{error}");
    assert!(
        start.elapsed().as_secs() < 10,
        "longer than a request may take"
    );

    let kept = ConnectionPool::try_new(1, || Connection::establish(":memory:")).unwrap();
    let _other = kept.checkout().await.unwrap();
    let start = Instant::now();
    let error = kept.checkout().await.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    assert!(error.to_string().contains("stayed busy"), "{error}");
    assert!(
        start.elapsed().as_secs() < 10,
        "longer than a request may take"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_and_the_connection_behind_it_share_one_time_and_end_with_the_reason() {
    let is_first = AtomicBool::new(true);
    let pool = ConnectionPool::try_new(1, move || {
        let is_first = is_first.swap(false, Ordering::Relaxed);
        async move {
            match is_first {
                true => Connection::establish(":memory:").await,
                false => pending().await,
            }
        }
    })
    .unwrap();
    let other = pool.checkout().await.unwrap();
    let start = Instant::now();
    let keeping = async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        drop(other);
    };
    let (lent, ()) = tokio::join!(pool.checkout(), keeping);
    let error = lent.err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    assert!(error.to_string().contains("see whether it runs"), "{error}");
    let length = start.elapsed().as_secs();
    assert!((7..10).contains(&length), "{length} s, and a read has 10 s");
}
