use std::{future::poll_fn, time::Duration};

use serde_json::json;
use switchgear_core::{
    backend::{
        Backend, BackendAddress, BackendName, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        SnapshotVersion, Weight,
    },
    store::{StoreErrorKind, Written},
};
use tokio::time::timeout;

use super::{
    backend_races,
    outcome::{done, refused},
    records::{SIMILAR, backend, extreme_backend, nameless_cln_by_public_key},
};

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
    tells_similar_addresses_apart(store).await;
    keeps_names_to_the_letter(store).await;
    backend_races::run(store).await;

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
    let written = done(store.put(first.clone()).await, "a put");
    assert_eq!(
        written,
        Written::Updated,
        "the put of what is there already"
    );
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

/// Two addresses are one only when they are the same to the letter.
async fn tells_similar_addresses_apart(store: &dyn DiscoveryBackendStore) {
    let urls = [
        "", "a", "A", "a/", "a.", "%20a", "a%20", "a?", "á", "a%CC%81",
    ];
    let backends: Vec<Backend> = urls
        .iter()
        .zip(1..)
        .map(|(path, weight)| Backend {
            address: BackendAddress::try_from_url(&format!("https://similar.example/{path}"))
                .expect("a legal URL"),
            weight: Weight::new(weight),
            ..backend("similar")
        })
        .collect();
    for backend in &backends {
        done(
            store.post(backend.clone()).await,
            "a post of a similar address",
        );
    }
    for backend in &backends {
        let found = done(store.get(&backend.address).await, "a get");
        assert_eq!(found.as_ref(), Some(backend), "another address's backend");
    }
    let (_, listed) = changed(store, None).await;
    assert_eq!(
        listed, backends,
        "similar addresses in the order of creation"
    );

    // Who comes back comes last.
    let first = &backends[0];
    done(store.delete(&first.address).await, "a delete");
    done(store.post(first.clone()).await, "a post after a delete");
    let (_, listed) = changed(store, None).await;
    assert_eq!(listed.last(), Some(first), "who comes back comes last");
    for backend in &backends {
        done(store.delete(&backend.address).await, "a delete");
    }
}

async fn keeps_names_to_the_letter(store: &dyn DiscoveryBackendStore) {
    let mut subject = backend("named");
    done(store.post(subject.clone()).await, "a post");
    for name in SIMILAR {
        subject.name = Some(BackendName::try_new(name).expect("a legal name"));
        let written = done(store.put(subject.clone()).await, "a put");
        assert_eq!(written, Written::Updated, "the put of the name {name:?}");
        let found = done(store.get(&subject.address).await, "a get");
        assert_eq!(found.as_ref(), Some(&subject), "the name {name:?}");
    }
    done(store.delete(&subject.address).await, "a delete");
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

pub(super) async fn changed(
    store: &dyn DiscoveryBackendStore,
    known: Option<&SnapshotVersion>,
) -> (SnapshotVersion, Vec<Backend>) {
    match done(store.snapshot(known).await, "a snapshot") {
        BackendSnapshot::Changed {
            version,
            backends,
            left_out,
        } => {
            assert!(left_out.is_empty(), "{left_out:?} cannot be read");
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
