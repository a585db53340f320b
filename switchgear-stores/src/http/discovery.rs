use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;
use futures_core::Stream;
use http::{HeaderValue, Method};
use switchgear_core::{
    backend::{
        Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        DiscoveryFeed, SnapshotVersion,
    },
    store::{StoreError, Written},
};
use uuid::Uuid;

use super::{
    HttpStoreConfig,
    answer::Answer,
    service::{Ask, RemoteService},
};
use crate::{changes::Changes, refusal, unreadable::Unreadable};

/// The backends of a remote discovery service. Clones share its connections.
#[derive(Debug, Clone)]
pub struct HttpDiscoveryStore {
    service: Arc<RemoteService>,
    changes: Changes,
    unreadable: Unreadable,
}

impl HttpDiscoveryStore {
    /// Reads the token and the trusted roots; nothing is asked yet.
    ///
    /// # Errors
    /// [`Invalid`](switchgear_core::store::StoreErrorKind::Invalid) for a base URL that no request
    /// can go to; [`Remote`](switchgear_core::store::StoreErrorKind::Remote), naming the file, when
    /// the token or the trusted roots cannot be used.
    pub fn try_new(config: HttpStoreConfig) -> Result<Self, StoreError> {
        Ok(Self {
            service: Arc::new(RemoteService::try_new(config)?),
            changes: Changes::new(),
            unreadable: Unreadable::default(),
        })
    }

    async fn ask_for(
        &self,
        method: Method,
        address: &BackendAddress,
        complete: impl FnOnce(Ask<'_>) -> Ask<'_> + Send,
    ) -> Result<Answer, StoreError> {
        let path = address.to_string();
        let segments: Vec<&str> = ["discovery"].into_iter().chain(path.split('/')).collect();
        self.service
            .ask(complete(Ask::new(method, &segments)))
            .await
    }

    fn told<R>(&self, result: Result<R, StoreError>) -> Result<R, StoreError> {
        if result.is_ok() {
            self.changes.signal();
        }
        result
    }
}

#[async_trait]
impl DiscoveryFeed for HttpDiscoveryStore {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        let ask = Ask::new(Method::GET, &["discovery"]).list().lenient();
        let ask = ask.unless(known.and_then(etag));
        let answer = self.service.ask(ask).await?;
        if known.is_some() && answer.is_not_modified() {
            return Ok(BackendSnapshot::Unchanged);
        }
        let version = match answer.etag() {
            Some(etag) => SnapshotVersion::new(etag),
            // Nothing to compare with next time: a name that no other state will have.
            None => SnapshotVersion::new(Uuid::new_v4().to_string()),
        };
        let parted = self.unreadable.parted(answer.each_record()?)?;
        Ok(parted.into_snapshot(version, known))
    }

    fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        self.changes.stream()
    }
}

#[async_trait]
impl DiscoveryBackendStore for HttpDiscoveryStore {
    async fn get(&self, address: &BackendAddress) -> Result<Option<Backend>, StoreError> {
        let answer = self.ask_for(Method::GET, address, |ask| ask).await?;
        answer.record()
    }

    async fn post(&self, backend: Backend) -> Result<(), StoreError> {
        let ask = Ask::new(Method::POST, &["discovery"]).json(&backend);
        let answer = self.service.ask(ask).await?;
        self.told(answer.created(|| refusal::backend_exists(&backend.address)))
    }

    async fn put(&self, backend: Backend) -> Result<Written, StoreError> {
        let answer = self
            .ask_for(Method::PUT, &backend.address, |ask| ask.json(&backend))
            .await?;
        self.told(answer.written())
    }

    async fn patch(&self, address: &BackendAddress, patch: BackendPatch) -> Result<(), StoreError> {
        let answer = self
            .ask_for(Method::PATCH, address, |ask| ask.json(&patch))
            .await?;
        self.told(answer.changed(|| refusal::backend_not_found(address)))
    }

    async fn delete(&self, address: &BackendAddress) -> Result<(), StoreError> {
        let answer = self.ask_for(Method::DELETE, address, |ask| ask).await?;
        self.told(answer.changed(|| refusal::backend_not_found(address)))
    }
}

/// A version that this store took from an `ETag`, which is quoted (RFC 9110, 8.8.3). None where something
/// was left out, so that it is looked at anew.
fn etag(version: &SnapshotVersion) -> Option<HeaderValue> {
    let mark = version.as_str();
    let is_etag = (mark.starts_with('"') || mark.starts_with("W/\"")) && mark.ends_with('"');
    is_etag.then(|| HeaderValue::from_str(mark).ok()).flatten()
}
