use std::{fmt, pin::Pin, sync::Arc};

use async_trait::async_trait;
use futures_core::Stream;

use super::{Backend, BackendAddress, BackendPatch};
use crate::store::{StoreError, Written};

/// Where a balancer learns of its backends: all that it asks of a discovery store.
///
/// Whoever keeps nodes in tables of their own implements these two methods and nothing more.
#[async_trait]
pub trait DiscoveryFeed: Send + Sync + fmt::Debug {
    /// All backends, ordered by creation then address, unless they are still those of `known`.
    ///
    /// Idempotent and safe to cancel. The caller retries.
    ///
    /// # Errors
    /// When the store cannot answer; the caller keeps what it knew.
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError>;

    /// A signal for each change made through this process, coalesced; without one by default, and
    /// the caller then finds changes by asking for snapshots.
    fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        Box::pin(Never)
    }
}

/// A store of backends, as the discovery service administers it.
///
/// Every method is atomic. A call that is dropped midway has either done all or nothing.
#[async_trait]
pub trait DiscoveryBackendStore: DiscoveryFeed {
    /// The backend at `address`, if there is one.
    ///
    /// # Errors
    /// When the store cannot answer.
    async fn get(&self, address: &BackendAddress) -> Result<Option<Backend>, StoreError>;

    /// Adds a backend. Not idempotent.
    ///
    /// # Errors
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) when its address is taken.
    async fn post(&self, backend: Backend) -> Result<(), StoreError>;

    /// Adds or replaces a backend, which keeps its place in the order. Idempotent.
    ///
    /// # Errors
    /// When the store cannot answer.
    async fn put(&self, backend: Backend) -> Result<Written, StoreError>;

    /// Changes some fields of a backend. Idempotent.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) when there is none.
    async fn patch(&self, address: &BackendAddress, patch: BackendPatch) -> Result<(), StoreError>;

    /// Removes a backend.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) when there is none.
    async fn delete(&self, address: &BackendAddress) -> Result<(), StoreError>;
}

/// An opaque name of one state of a discovery store; equal names mean equal backends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SnapshotVersion(Arc<str>);

impl SnapshotVersion {
    /// Wraps a store's own mark: a change counter, an `ETag`.
    pub fn new(mark: impl Into<Arc<str>>) -> Self {
        Self(mark.into())
    }

    /// The store's mark.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A store's answer to "what has changed?".
#[derive(Debug, Clone)]
pub enum BackendSnapshot {
    /// The backends are those of the version asked about.
    Unchanged,
    /// All backends, ordered by creation then address, and the version they make up.
    Changed {
        /// What to ask with next time.
        version: SnapshotVersion,
        /// Every backend once that can be read.
        backends: Vec<Backend>,
        /// The keys of those that are there and cannot be read, as they stand in the store: a
        /// balancer goes on without them, and a list for an administrator is not complete.
        left_out: Vec<String>,
    },
}

/// A stream without items that never ends.
struct Never;

impl Stream for Never {
    type Item = ();

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<()>> {
        std::task::Poll::Pending
    }
}

#[async_trait]
impl<T: DiscoveryFeed + ?Sized> DiscoveryFeed for Arc<T> {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        (**self).snapshot(known).await
    }

    fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        (**self).changes()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    /// A store that has not changed since any version asked about.
    #[derive(Debug)]
    struct Quiet;

    #[async_trait]
    impl DiscoveryFeed for Quiet {
        async fn snapshot(
            &self,
            known: Option<&SnapshotVersion>,
        ) -> Result<BackendSnapshot, StoreError> {
            Ok(known.map_or_else(first, |_| BackendSnapshot::Unchanged))
        }
    }

    /// A store that tells of a change whenever it is asked.
    #[derive(Debug)]
    struct Telling;

    #[async_trait]
    impl DiscoveryFeed for Telling {
        async fn snapshot(
            &self,
            _: Option<&SnapshotVersion>,
        ) -> Result<BackendSnapshot, StoreError> {
            Ok(first())
        }

        fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
            Box::pin(Always)
        }
    }

    struct Always;

    impl Stream for Always {
        type Item = ();

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<()>> {
            Poll::Ready(Some(()))
        }
    }

    fn first() -> BackendSnapshot {
        BackendSnapshot::Changed {
            version: SnapshotVersion::new("1"),
            backends: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn next_change(feed: &impl DiscoveryFeed) -> Poll<Option<()>> {
        let context = &mut Context::from_waker(Waker::noop());
        feed.changes().as_mut().poll_next(context)
    }

    fn snapshot(feed: &impl DiscoveryFeed, known: Option<&SnapshotVersion>) -> BackendSnapshot {
        let context = &mut Context::from_waker(Waker::noop());
        match pin!(feed.snapshot(known)).poll(context) {
            Poll::Ready(answer) => answer.unwrap(),
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn a_feed_without_signals_neither_signals_nor_ends() {
        assert_eq!(next_change(&Quiet), Poll::Pending);
        assert_eq!(
            next_change(&(Arc::new(Quiet) as Arc<dyn DiscoveryFeed>)),
            Poll::Pending
        );
    }

    #[test]
    fn a_shared_feed_keeps_the_signals_of_its_own() {
        let shared: Arc<dyn DiscoveryFeed> = Arc::new(Telling);
        assert_eq!(next_change(&shared), Poll::Ready(Some(())));
    }

    #[test]
    fn a_shared_feed_passes_on_the_version_asked_about() {
        let shared: Arc<dyn DiscoveryFeed> = Arc::new(Quiet);
        let BackendSnapshot::Changed { version, .. } = snapshot(&shared, None) else {
            panic!("whoever knows nothing is told everything");
        };
        assert_eq!(version.as_str(), "1");
        let answer = snapshot(&shared, Some(&version));
        assert!(matches!(answer, BackendSnapshot::Unchanged), "{answer:?}");
    }
}
