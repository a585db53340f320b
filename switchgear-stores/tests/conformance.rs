//! The suite finds a store that does not keep its promises.
#![expect(
    clippy::unwrap_used,
    reason = "the store under test is known to answer"
)]

use async_trait::async_trait;
use switchgear_core::{
    backend::{
        Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        DiscoveryFeed, SnapshotVersion,
    },
    store::{StoreError, Written},
};
use switchgear_stores::{conformance, memory::MemoryDiscoveryStore};

/// What a store does wrongly.
#[derive(Debug, PartialEq, Eq)]
enum Flaw {
    /// A PUT is a DELETE and a POST.
    LosesItsPlace,
    /// A POST over an existing backend replaces it.
    KnowsNoConflict,
    /// A snapshot never says that nothing changed.
    ForgetsVersions,
    /// A PATCH reads, lets others in, and writes.
    LosesUpdates,
}

#[derive(Debug)]
struct Flawed {
    store: MemoryDiscoveryStore,
    flaw: Flaw,
}

impl Flawed {
    async fn check(flaw: Flaw) {
        let store = MemoryDiscoveryStore::new();
        conformance::discovery(&Self { store, flaw }).await;
    }
}

#[async_trait]
impl DiscoveryFeed for Flawed {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        let forgets = self.flaw == Flaw::ForgetsVersions;
        self.store.snapshot(known.filter(|_| !forgets)).await
    }
}

#[async_trait]
impl DiscoveryBackendStore for Flawed {
    async fn get(&self, address: &BackendAddress) -> Result<Option<Backend>, StoreError> {
        self.store.get(address).await
    }

    async fn post(&self, backend: Backend) -> Result<(), StoreError> {
        match self.flaw {
            Flaw::KnowsNoConflict => self.store.put(backend).await.map(drop),
            _ => self.store.post(backend).await,
        }
    }

    async fn put(&self, backend: Backend) -> Result<Written, StoreError> {
        let exists = self.store.get(&backend.address).await?.is_some();
        if self.flaw == Flaw::LosesItsPlace && exists {
            self.store.delete(&backend.address).await?;
            self.store.post(backend).await?;
            return Ok(Written::Updated);
        }
        self.store.put(backend).await
    }

    async fn patch(&self, address: &BackendAddress, patch: BackendPatch) -> Result<(), StoreError> {
        if self.flaw != Flaw::LosesUpdates || self.store.get(address).await?.is_none() {
            return self.store.patch(address, patch).await;
        }
        let mut backend = self.store.get(address).await?.unwrap();
        tokio::task::yield_now().await;
        patch.apply(&mut backend);
        self.store.put(backend).await.map(drop)
    }

    async fn delete(&self, address: &BackendAddress) -> Result<(), StoreError> {
        self.store.delete(address).await
    }
}

#[tokio::test]
#[should_panic(expected = "must keep its place")]
async fn finds_a_put_that_loses_its_place() {
    Flawed::check(Flaw::LosesItsPlace).await;
}

#[tokio::test]
#[should_panic(expected = "a second post must be refused as Conflict")]
async fn finds_a_post_that_replaces() {
    Flawed::check(Flaw::KnowsNoConflict).await;
}

#[tokio::test]
#[should_panic(expected = "nothing changed since")]
async fn finds_a_snapshot_without_versions() {
    Flawed::check(Flaw::ForgetsVersions).await;
}

#[tokio::test]
#[should_panic(expected = "was lost")]
async fn finds_a_patch_that_loses_updates() {
    Flawed::check(Flaw::LosesUpdates).await;
}
