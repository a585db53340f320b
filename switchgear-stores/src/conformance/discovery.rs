use std::{future::poll_fn, time::Duration};

use futures::future::join_all;
use serde_json::json;
use switchgear_core::{
    backend::{
        Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        SnapshotVersion, Weight,
    },
    store::{StoreErrorKind, Written},
};
use tokio::time::timeout;

use super::{
    outcome::{done, refused},
    records::{backend, extreme_backend, nameless_cln_by_public_key},
};

/// How many callers write at once.
const CALLERS: u16 = 16;

/// Checks a store of backends. It must be empty, and is empty again afterwards.
///
/// # Panics
/// With what the store does otherwise.
pub async fn discovery(store: &dyn DiscoveryBackendStore) {
    let (_, backends) = changed(store, None).await;
    assert!(backends.is_empty(), "the suite needs an empty store");

    keeps_every_field_in_the_order_of_creation(store).await;
    refuses_what_contradicts_its_records(store).await;
    patches_only_what_the_patch_names(store).await;
    names_each_state_once(store).await;
    loses_nothing_to_concurrent_writers(store).await;

    let (_, backends) = changed(store, None).await;
    assert!(backends.is_empty(), "a deleted backend must not be listed");
}

/// Checks that a store tells of each kind of change within a second. It must be empty, and is empty
/// again afterwards.
///
/// Only for stores that implement
/// [`changes`](switchgear_core::backend::DiscoveryFeed::changes).
///
/// # Panics
/// With the change that the store does not tell of.
pub async fn discovery_changes(store: &dyn DiscoveryBackendStore) {
    let mut changes = store.changes();
    let subject = backend("told");
    for what in ["post", "put", "patch", "delete"] {
        let (before, _) = changed(store, None).await;
        match what {
            "post" => done(store.post(subject.clone()).await, what),
            "put" => drop(done(store.put(subject.clone()).await, what)),
            "patch" => {
                let patch = BackendPatch::enabled(false);
                done(store.patch(&subject.address, patch).await, what);
            }
            _ => done(store.delete(&subject.address).await, what),
        }
        let signal = poll_fn(|context| changes.as_mut().poll_next(context));
        let told = timeout(Duration::from_secs(1), signal).await;
        assert_eq!(told, Ok(Some(())), "a {what} must be told");
        // Who is woken must see the change.
        changed(store, Some(&before)).await;
    }
}

async fn keeps_every_field_in_the_order_of_creation(store: &dyn DiscoveryBackendStore) {
    // In neither alphabetical order.
    let mut all = vec![
        backend("m"),
        backend("z"),
        extreme_backend(),
        nameless_cln_by_public_key(),
        backend("a"),
    ];
    for (n, backend) in all.iter().enumerate() {
        if n % 2 == 0 {
            done(store.post(backend.clone()).await, "a post");
        } else {
            let written = done(store.put(backend.clone()).await, "a put");
            assert_eq!(written, Written::Created, "the put of a new backend");
        }
    }
    for backend in &all {
        let found = done(store.get(&backend.address).await, "a get");
        assert_eq!(
            found.as_ref(),
            Some(backend),
            "what was written must be read"
        );
    }

    // All fields anew, a name that goes and partitions too; the place stays.
    let first = &mut all[0];
    *first = Backend {
        address: first.address.clone(),
        ..nameless_cln_by_public_key()
    };
    let written = done(store.put(first.clone()).await, "a put");
    assert_eq!(written, Written::Updated, "the put of an existing backend");
    let (_, listed) = changed(store, None).await;
    let places = listed.iter().map(|backend| &backend.address);
    assert!(
        places.eq(all.iter().map(|backend| &backend.address)),
        "a replaced backend must keep its place"
    );
    assert_eq!(listed, all, "what was written must be listed");

    for backend in &all {
        done(store.delete(&backend.address).await, "a delete");
        let found = done(store.get(&backend.address).await, "a get");
        assert_eq!(found, None, "a deleted backend must not be found");
    }
}

async fn refuses_what_contradicts_its_records(store: &dyn DiscoveryBackendStore) {
    let subject = backend("refused");
    let address = &subject.address;
    let readable = address.readable();
    let missing = StoreErrorKind::NotFound;

    let patch = BackendPatch::enabled(false);
    let patched = store.patch(address, patch).await;
    refused(patched, missing, &readable, "a patch of nothing");
    let deleted = store.delete(address).await;
    refused(deleted, missing, &readable, "a delete of nothing");
    let found = done(store.get(address).await, "a get");
    assert_eq!(found, None, "a refused patch must create nothing");

    done(store.post(subject.clone()).await, "a post");
    let again = Backend {
        weight: Weight::ONE,
        ..subject.clone()
    };
    let conflict = StoreErrorKind::Conflict;
    refused(
        store.post(again).await,
        conflict,
        &readable,
        "a second post",
    );
    let found = done(store.get(address).await, "a get");
    assert_eq!(
        found.as_ref(),
        Some(&subject),
        "a refused post must change nothing"
    );
    done(store.delete(address).await, "a delete");
}

async fn patches_only_what_the_patch_names(store: &dyn DiscoveryBackendStore) {
    let mut expected = backend("patched");
    done(store.post(expected.clone()).await, "a post");
    for patch in [
        json!({}),
        json!({"weight": 0}),
        json!({"enabled": false}),
        json!({"name": "⚡"}),
        json!({"partitions": ["us"]}),
        json!({"name": null}),
        json!({"weight": 65_535, "enabled": true, "name": "x", "partitions": ["a", "b"]}),
    ] {
        let patch: BackendPatch = serde_json::from_value(patch).expect("a legal patch");
        patch.apply(&mut expected);
        done(
            store.patch(&expected.address, patch.clone()).await,
            "a patch",
        );
        let found = done(store.get(&expected.address).await, "a get");
        assert_eq!(found.as_ref(), Some(&expected), "after {patch:?}");
    }
    done(store.delete(&expected.address).await, "a delete");
}

async fn names_each_state_once(store: &dyn DiscoveryBackendStore) {
    let subject = backend("versioned");
    let (empty, _) = changed(store, None).await;
    unchanged(store, &empty).await;

    done(store.post(subject.clone()).await, "a post");
    let (posted, backends) = changed(store, Some(&empty)).await;
    assert_eq!(backends, std::slice::from_ref(&subject));
    unchanged(store, &posted).await;

    refused(
        store.post(subject.clone()).await,
        StoreErrorKind::Conflict,
        "",
        "a second post",
    );
    unchanged(store, &posted).await;

    let patch = BackendPatch::enabled(false);
    done(store.patch(&subject.address, patch).await, "a patch");
    let (patched, backends) = changed(store, Some(&posted)).await;
    assert!(backends.iter().all(|backend| !backend.enabled));

    done(store.delete(&subject.address).await, "a delete");
    let (deleted, backends) = changed(store, Some(&patched)).await;
    assert!(backends.is_empty());
    unchanged(store, &deleted).await;

    let foreign = SnapshotVersion::new("\"of another store\"");
    changed(store, Some(&foreign)).await;
}

async fn loses_nothing_to_concurrent_writers(store: &dyn DiscoveryBackendStore) {
    let subject = backend("contended");
    let address = &subject.address;

    let posts = join_all((0..CALLERS).map(|_| store.post(subject.clone()))).await;
    let (won, lost): (Vec<_>, Vec<_>) = posts.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "one of many posts must win");
    for post in lost {
        refused(post, StoreErrorKind::Conflict, "", "a post that came later");
    }

    // Each changes one field: a lost update would show in the other.
    let patch = |n: u16| match n % 2 {
        0 => json!({"weight": n}),
        _ => json!({"name": n.to_string()}),
    };
    let patch = |n: u16| serde_json::from_value::<BackendPatch>(patch(n)).expect("a legal patch");
    let patches = join_all((0..CALLERS).map(|n| store.patch(address, patch(n)))).await;
    patches
        .into_iter()
        .for_each(|patched| done(patched, "a patch"));
    let found = done(store.get(address).await, "a get").expect("the backend is there");
    assert_ne!(
        found.weight, subject.weight,
        "a patch of the weight was lost"
    );
    assert_ne!(found.name, subject.name, "a patch of the name was lost");

    done(store.delete(address).await, "a delete");
    let puts = join_all((0..CALLERS).map(|_| store.put(subject.clone()))).await;
    let puts: Vec<Written> = puts.into_iter().map(|put| done(put, "a put")).collect();
    let created = puts.iter().filter(|&&put| put == Written::Created);
    assert_eq!(created.count(), 1, "one of many puts must create");
    let deletes = join_all((0..CALLERS).map(|_| store.delete(address))).await;
    let deleted = deletes.into_iter().filter(Result::is_ok);
    assert_eq!(deleted.count(), 1, "one of many deletes must win");

    let addresses = (0..CALLERS).map(|n| backend(&format!("node-{n}")));
    let many: Vec<Backend> = addresses.collect();
    let posts = join_all(many.iter().map(|each| store.post(each.clone()))).await;
    posts.into_iter().for_each(|post| done(post, "a post"));
    let (_, listed) = changed(store, None).await;
    assert_eq!(
        listed.len(),
        many.len(),
        "each of many posts must be listed"
    );
    let deletes = join_all(many.iter().map(|each| store.delete(&each.address))).await;
    deletes
        .into_iter()
        .for_each(|delete| done(delete, "a delete"));
}

async fn changed(
    store: &dyn DiscoveryBackendStore,
    known: Option<&SnapshotVersion>,
) -> (SnapshotVersion, Vec<Backend>) {
    match done(store.snapshot(known).await, "a snapshot") {
        BackendSnapshot::Changed { version, backends } => {
            let addresses: Vec<&BackendAddress> =
                backends.iter().map(|each| &each.address).collect();
            for (n, address) in addresses.iter().enumerate() {
                assert!(
                    !addresses[..n].contains(address),
                    "{address} is listed twice"
                );
            }
            (version, backends)
        }
        BackendSnapshot::Unchanged => panic!("a state that differs from {known:?} is unchanged"),
    }
}

async fn unchanged(store: &dyn DiscoveryBackendStore, known: &SnapshotVersion) {
    match done(store.snapshot(Some(known)).await, "a snapshot") {
        BackendSnapshot::Unchanged => {}
        BackendSnapshot::Changed { version, .. } => {
            panic!("nothing changed since {known:?}, and the store says {version:?}")
        }
    }
}
