//! Backends that cannot be read: written by hand, or by a newer version.

use serde_json::json;
use switchgear_core::{
    backend::{
        Backend, BackendPatch, BackendSnapshot, DiscoveryBackendStore as _, DiscoveryFeed as _,
        SnapshotVersion,
    },
    store::{StoreError, StoreErrorKind, Written},
};
use tempfile::TempDir;

use super::{super::SqliteStore, open};

fn backend(name: &str) -> Backend {
    serde_json::from_value(json!({
        "address": {"url": format!("https://{name}.example/")},
        "partitions": ["default"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/macaroon"},
            "ampInvoice": false,
        },
    }))
    .unwrap()
}

async fn backends(store: &SqliteStore) -> Result<Vec<Backend>, StoreError> {
    let (_, backends, _) = listed(store).await?;
    Ok(backends)
}

type Listed = (SnapshotVersion, Vec<Backend>, Vec<String>);

async fn listed(store: &SqliteStore) -> Result<Listed, StoreError> {
    match store.snapshot(None).await? {
        BackendSnapshot::Changed {
            version,
            backends,
            left_out,
        } => Ok((version, backends, left_out)),
        BackendSnapshot::Unchanged => unreachable!("no version was known"),
    }
}

#[tokio::test]
async fn a_backend_that_cannot_be_read_takes_no_other_away_and_is_mended_by_put() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let all = ["a", "b", "c"].map(backend);
    for backend in &all {
        store.post(backend.clone()).await.unwrap();
    }
    let [a, b, c] = &all;
    let newer = "UPDATE discovery_backends SET implementation = '{\"type\": \"of tomorrow\"}' \
                 WHERE sequence = 2";
    store.connections.on_writer(newer).await;
    let (_, readable, left_out) = listed(&store).await.unwrap();
    assert_eq!(readable, [a.clone(), c.clone()]);
    assert_eq!(left_out, [b.address.to_string()]);

    for error in [
        store.get(&b.address).await.unwrap_err(),
        store
            .patch(&b.address, BackendPatch::enabled(false))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        let words = error.to_string();
        assert!(words.contains("cannot be read"), "{words}");
        assert!(words.contains(&b.address.to_string()), "{words}");
        assert!(!words.contains("of tomorrow"), "{words}");
    }
    let error = store.post(b.clone()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict, "it is there");

    let written = store.put(b.clone()).await.unwrap();
    assert_eq!(written, Written::Updated);
    assert_eq!(backends(&store).await.unwrap(), all);
}

/// Those who know backends go on with them, as with any store that cannot answer.
#[tokio::test]
async fn a_list_of_backends_of_which_none_can_be_read_is_not_an_empty_one() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let only = backend("a");
    store.post(only.clone()).await.unwrap();
    let damage = "UPDATE discovery_backends SET partitions = '[1]'";
    store.connections.on_writer(damage).await;
    let error = backends(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("cannot be read"), "{error}");
    store.delete(&only.address).await.unwrap();
    assert_eq!(backends(&store).await.unwrap(), []);
}

/// As by an upgrade to a version that can read it: the records and their counter are the same.
#[tokio::test]
async fn who_was_told_of_fewer_backends_hears_of_the_one_that_can_be_read_now() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).await;
    let all = ["a", "b"].map(backend);
    for backend in &all {
        store.post(backend.clone()).await.unwrap();
    }
    let newer = "UPDATE discovery_backends SET implementation = '{}' WHERE sequence = 2";
    store.connections.on_writer(newer).await;
    let (fewer, readable, _) = listed(&store).await.unwrap();
    assert_eq!(readable, all[..1]);
    let again = store.snapshot(Some(&fewer)).await.unwrap();
    assert!(matches!(again, BackendSnapshot::Unchanged), "{again:?}");

    let read = "UPDATE discovery_backends SET implementation = \
                (SELECT implementation FROM discovery_backends WHERE sequence = 1)";
    store.connections.on_writer(read).await;
    let changed = store.snapshot(Some(&fewer)).await.unwrap();
    let BackendSnapshot::Changed {
        version, backends, ..
    } = changed
    else {
        panic!("the list is another");
    };
    assert_eq!(backends, all);
    let again = store.snapshot(Some(&version)).await.unwrap();
    assert!(matches!(again, BackendSnapshot::Unchanged), "{again:?}");
}
