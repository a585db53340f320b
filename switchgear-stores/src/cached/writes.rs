use std::sync::Arc;

use async_trait::async_trait;
use switchgear_core::{
    Partition,
    offer::{Offer, OfferMetadata, OfferMetadataStore, OfferStore},
    store::{Page, StoreError, StoreErrorKind, Written},
};
use uuid::Uuid;

use super::shared::Shared;

/// A store whose writes a cache learns of at once; made by
/// [`CachedOffers::invalidated_by`](super::CachedOffers::invalidated_by).
///
/// A write and what the cache forgets by it run on a task of their own, so that a caller who hangs up
/// between the two does not leave an old answer behind. The cache forgets after the write has ended,
/// and whatever its result: a write that failed or panicked may have been committed all the same. To
/// forget before it as well would gain nothing, because a look-up in between would read the old value
/// again.
///
/// One case is left to the cache's `ttl`: a store that gives a write up and commits it later, such as a
/// remote service that answers too late.
#[derive(Debug)]
pub struct InvalidatingStore<S: ?Sized> {
    shared: Arc<Shared>,
    store: Arc<S>,
}

impl<S: ?Sized> InvalidatingStore<S> {
    pub(super) fn new(store: Arc<S>, shared: Arc<Shared>) -> Self {
        Self { shared, store }
    }
}

impl<S: ?Sized> Clone for InvalidatingStore<S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.store), Arc::clone(&self.shared))
    }
}

impl<S: Send + Sync + ?Sized + 'static> InvalidatingStore<S> {
    /// Runs a write to its end and forgets, whether anybody waits for it or not; only what `spares`
    /// says of the result of a success can keep it from that.
    async fn write<R, W>(
        &self,
        forgets: Forgets,
        spares: fn(&R) -> bool,
        write: impl FnOnce(Arc<S>) -> W + Send + 'static,
    ) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: Future<Output = Result<R, StoreError>> + Send,
    {
        let store = Arc::clone(&self.store);
        let mut forgetting = Forgetting {
            shared: Arc::clone(&self.shared),
            forgets: Some(forgets),
        };
        let written = tokio::spawn(async move {
            let written = write(store).await;
            if written.as_ref().is_ok_and(spares) {
                forgetting.spare();
            }
            written
        });
        written.await.unwrap_or_else(|error| {
            let message = "a write of offers did not come to its end";
            Err(StoreError::new(StoreErrorKind::Unavailable, message).with_source(error))
        })
    }
}

#[async_trait]
impl<S: OfferStore + ?Sized + 'static> OfferStore for InvalidatingStore<S> {
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        self.store.offer(partition, id).await
    }

    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        self.store.offers(partition, page).await
    }

    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError> {
        let forgets = Forgets::Offer(offer.partition.clone(), offer.id);
        let post = |store: Arc<S>| async move { store.post_offer(offer).await };
        self.write(forgets, |()| false, post).await
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        let forgets = Forgets::Offer(offer.partition.clone(), offer.id);
        let put = |store: Arc<S>| async move { store.put_offer(offer).await };
        self.write(forgets, |_| false, put).await
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let partition = partition.clone();
        let forgets = Forgets::Offer(partition.clone(), id);
        let delete = move |store: Arc<S>| async move { store.delete_offer(&partition, id).await };
        self.write(forgets, |()| false, delete).await
    }
}

/// Only a PUT over a record that stands changes what an offer shows: a new record has no offers yet,
/// and one with offers is not deleted.
#[async_trait]
impl<S: OfferMetadataStore + ?Sized + 'static> OfferMetadataStore for InvalidatingStore<S> {
    async fn metadata(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError> {
        self.store.metadata(partition, id).await
    }

    async fn metadata_page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        self.store.metadata_page(partition, page).await
    }

    async fn post_metadata(&self, metadata: OfferMetadata) -> Result<(), StoreError> {
        self.store.post_metadata(metadata).await
    }

    async fn put_metadata(&self, metadata: OfferMetadata) -> Result<Written, StoreError> {
        let forgets = Forgets::Partition(metadata.partition.clone());
        let put = |store: Arc<S>| async move { store.put_metadata(metadata).await };
        let is_new = |written: &Written| *written == Written::Created;
        self.write(forgets, is_new, put).await
    }

    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.store.delete_metadata(partition, id).await
    }
}

/// What a write may have changed.
enum Forgets {
    Offer(Partition, Uuid),
    Partition(Partition),
}

/// Forgets when it is dropped, by a panic too.
struct Forgetting {
    shared: Arc<Shared>,
    forgets: Option<Forgets>,
}

impl Forgetting {
    fn spare(&mut self) {
        self.forgets = None;
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        match &self.forgets {
            Some(Forgets::Offer(partition, id)) => self.shared.forget_offer(partition, *id),
            Some(Forgets::Partition(partition)) => self.shared.forget_partition(partition),
            None => {}
        }
    }
}
