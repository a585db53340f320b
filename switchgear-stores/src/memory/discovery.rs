use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;
use futures_core::Stream;
use parking_lot::RwLock;
use switchgear_core::{
    backend::{
        Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        DiscoveryFeed, SnapshotVersion,
    },
    store::{StoreError, Written},
};
use uuid::Uuid;

use super::sequenced::Sequenced;
use crate::{changes::Changes, refusal};

/// Backends in memory. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryDiscoveryStore {
    state: Arc<RwLock<State>>,
    changes: Changes,
}

#[derive(Debug)]
struct State {
    backends: Sequenced<BackendAddress, Backend>,
    /// Tells this store's versions from those of one that ran before it.
    epoch: Uuid,
    counter: u64,
}

impl MemoryDiscoveryStore {
    /// An empty store.
    pub fn new() -> Self {
        let state = State {
            backends: Sequenced::default(),
            epoch: Uuid::new_v4(),
            counter: 0,
        };
        Self {
            state: Arc::new(RwLock::new(state)),
            changes: Changes::new(),
        }
    }

    fn change<R>(
        &self,
        change: impl FnOnce(&mut Sequenced<BackendAddress, Backend>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let result = self.state.write().change(change)?;
        self.changes.signal();
        Ok(result)
    }
}

impl Default for MemoryDiscoveryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DiscoveryFeed for MemoryDiscoveryStore {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        let state = self.state.read();
        let version = SnapshotVersion::new(format!("{}-{}", state.epoch.simple(), state.counter));
        if known == Some(&version) {
            return Ok(BackendSnapshot::Unchanged);
        }
        Ok(BackendSnapshot::Changed {
            version,
            backends: state.backends.values().cloned().collect(),
            left_out: Vec::new(),
        })
    }

    fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        self.changes.stream()
    }
}

#[async_trait]
impl DiscoveryBackendStore for MemoryDiscoveryStore {
    async fn get(&self, address: &BackendAddress) -> Result<Option<Backend>, StoreError> {
        Ok(self.state.read().backends.get(address).cloned())
    }

    async fn post(&self, backend: Backend) -> Result<(), StoreError> {
        self.change(|backends| {
            if backends.contains(&backend.address) {
                return Err(refusal::backend_exists(&backend.address));
            }
            backends.insert(backend.address.clone(), backend);
            Ok(())
        })
    }

    async fn put(&self, backend: Backend) -> Result<Written, StoreError> {
        self.change(
            |backends| match backends.insert(backend.address.clone(), backend) {
                Some(_) => Ok(Written::Updated),
                None => Ok(Written::Created),
            },
        )
    }

    async fn patch(&self, address: &BackendAddress, patch: BackendPatch) -> Result<(), StoreError> {
        self.change(|backends| {
            let backend = backends
                .get_mut(address)
                .ok_or_else(|| refusal::backend_not_found(address))?;
            patch.apply(backend);
            Ok(())
        })
    }

    async fn delete(&self, address: &BackendAddress) -> Result<(), StoreError> {
        self.change(|backends| {
            backends
                .remove(address)
                .map(drop)
                .ok_or_else(|| refusal::backend_not_found(address))
        })
    }
}

impl State {
    /// A refused change leaves the version as it was.
    fn change<R>(
        &mut self,
        change: impl FnOnce(&mut Sequenced<BackendAddress, Backend>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let result = change(&mut self.backends)?;
        self.counter += 1;
        Ok(result)
    }
}
