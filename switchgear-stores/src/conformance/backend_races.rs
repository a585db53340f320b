//! Many callers who change backends at once.

use std::collections::HashMap;

use futures::future::{join, join_all};
use parking_lot::Mutex;
use serde_json::json;
use switchgear_core::{
    backend::{Backend, BackendPatch, DiscoveryBackendStore, Weight},
    store::{StoreErrorKind, Written},
};

use super::{
    discovery::changed,
    outcome::{done, refused},
    records::backend,
};

/// How many callers write at once.
const CALLERS: u16 = 16;

pub(super) async fn run(store: &dyn DiscoveryBackendStore) {
    lets_one_of_many_win(store).await;
    loses_no_field_of_a_patch(store).await;
    lists_what_many_wrote(store).await;
    gives_each_state_a_version_of_its_own(store).await;
}

async fn lets_one_of_many_win(store: &dyn DiscoveryBackendStore) {
    let subject = backend("contended");
    let address = &subject.address;
    let posts = join_all((0..CALLERS).map(|_| store.post(subject.clone()))).await;
    let (won, lost): (Vec<_>, Vec<_>) = posts.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "one of many posts must win");
    for post in lost {
        refused(post, StoreErrorKind::Conflict, "", "a post that came later");
    }
    done(store.delete(address).await, "a delete");

    let puts = join_all((0..CALLERS).map(|_| store.put(subject.clone()))).await;
    let puts: Vec<Written> = puts.into_iter().map(|put| done(put, "a put")).collect();
    let created = puts.iter().filter(|&&put| put == Written::Created);
    assert_eq!(created.count(), 1, "one of many puts must create");

    let deletes = join_all((0..CALLERS).map(|_| store.delete(address))).await;
    let (won, lost): (Vec<_>, Vec<_>) = deletes.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "one of many deletes must win");
    for delete in lost {
        refused(
            delete,
            StoreErrorKind::NotFound,
            "",
            "a delete that came later",
        );
    }
}

/// Each changes one field: a lost update would show in the others.
async fn loses_no_field_of_a_patch(store: &dyn DiscoveryBackendStore) {
    let subject = backend("patched-at-once");
    let address = &subject.address;
    done(store.post(subject.clone()).await, "a post");
    for _ in 0..4 {
        done(store.put(subject.clone()).await, "a put");
        let patches = join_all((0..CALLERS).map(|n| store.patch(address, one_field(n)))).await;
        for patched in patches {
            done(patched, "a patch");
        }
        let found = done(store.get(address).await, "a get").expect("the backend is there");
        assert_ne!(
            found.weight, subject.weight,
            "a patch of the weight was lost"
        );
        assert_ne!(found.name, subject.name, "a patch of the name was lost");
        assert!(!found.enabled, "a patch of enabled was lost");
        assert_ne!(
            found.partitions, subject.partitions,
            "a patch of the partitions was lost"
        );
    }
    done(store.delete(address).await, "a delete");
}

fn one_field(n: u16) -> BackendPatch {
    let patch = match n % 4 {
        0 => json!({"weight": 1_000 + n}),
        1 => json!({"name": n.to_string()}),
        2 => json!({"enabled": false}),
        _ => json!({"partitions": [n.to_string()]}),
    };
    serde_json::from_value(patch).expect("a legal patch")
}

async fn lists_what_many_wrote(store: &dyn DiscoveryBackendStore) {
    let many = many();
    let posts = join_all(many.iter().map(|each| store.post(each.clone()))).await;
    for post in posts {
        done(post, "a post");
    }
    let (_, listed) = changed(store, None).await;
    assert_eq!(
        listed.len(),
        many.len(),
        "each of many posts must be listed"
    );
    let deletes = join_all(many.iter().map(|each| store.delete(&each.address))).await;
    for delete in deletes {
        done(delete, "a delete");
    }
}

/// Who reads while others write must never be told that different backends are the same state.
async fn gives_each_state_a_version_of_its_own(store: &dyn DiscoveryBackendStore) {
    let many = many();
    let writes = join_all(many.iter().map(|each| async move {
        done(store.post(each.clone()).await, "a post");
        let heavier = Backend {
            weight: Weight::new(500),
            ..each.clone()
        };
        done(store.put(heavier).await, "a put");
        done(store.delete(&each.address).await, "a delete");
    }));
    let states = Mutex::new(HashMap::new());
    let reads = join_all((0..4).map(|_| async {
        for _ in 0..CALLERS {
            let (version, backends) = changed(store, None).await;
            let mut states = states.lock();
            let known = states.entry(version.clone()).or_insert(backends.clone());
            assert_eq!(*known, backends, "two states of the version {version:?}");
        }
    }));
    join(writes, reads).await;
}

fn many() -> Vec<Backend> {
    (0..CALLERS)
        .map(|n| backend(&format!("node-{n}")))
        .collect()
}
