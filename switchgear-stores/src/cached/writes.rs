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
/// between the two does not leave an old answer behind. What the cache does after the write has ended
/// depends on its result. To do it before as well would gain nothing, because a look-up in between would
/// read the old value again.
///
/// | the write | what it was about |
/// |---|---|
/// | succeeded | is forgotten |
/// | was refused (`Invalid`, `NotFound`, `Conflict`) | stays: nothing was changed |
/// | failed in another way, or panicked | is asked for again, because it may have been committed all the same, and stays to fall back on: writes fail when the database is down, which is what the cache is there for |
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
    /// Runs a write to its end and forgets, whether anybody waits for it or not. `spares` says of which
    /// successes nothing needs to be forgotten.
    async fn write<R, W>(
        &self,
        subject: Subject,
        spares: fn(&R) -> bool,
        write: impl FnOnce(Arc<S>) -> W + Send + 'static,
    ) -> Result<R, StoreError>
    where
        R: Send + 'static,
        W: Future<Output = Result<R, StoreError>> + Send,
    {
        let store = Arc::clone(&self.store);
        let mut aftermath = Aftermath {
            shared: Arc::clone(&self.shared),
            subject,
            knowledge: Knowledge::Doubted,
        };
        let written = tokio::spawn(async move {
            let written = write(store).await;
            aftermath.settle(Knowledge::after(&written, spares));
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
        let subject = Subject::Offer(offer.partition.clone(), offer.id);
        let post = |store: Arc<S>| async move { store.post_offer(offer).await };
        self.write(subject, |()| false, post).await
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        let subject = Subject::Offer(offer.partition.clone(), offer.id);
        let put = |store: Arc<S>| async move { store.put_offer(offer).await };
        self.write(subject, |_| false, put).await
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let partition = partition.clone();
        let subject = Subject::Offer(partition.clone(), id);
        let delete = move |store: Arc<S>| async move { store.delete_offer(&partition, id).await };
        self.write(subject, |()| false, delete).await
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
        let subject = Subject::Partition(metadata.partition.clone());
        let put = |store: Arc<S>| async move { store.put_metadata(metadata).await };
        let is_new = |written: &Written| *written == Written::Created;
        self.write(subject, is_new, put).await
    }

    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.store.delete_metadata(partition, id).await
    }
}

/// What a write may have changed.
enum Subject {
    Offer(Partition, Uuid),
    Partition(Partition),
}

/// What becomes of what is known of the subject of a write.
enum Knowledge {
    Kept,
    Doubted,
    Forgotten,
}

impl Knowledge {
    fn after<R>(written: &Result<R, StoreError>, spares: fn(&R) -> bool) -> Self {
        use StoreErrorKind::{Conflict, Invalid, NotFound};

        match written {
            Ok(result) if spares(result) => Self::Kept,
            Ok(_) => Self::Forgotten,
            Err(error) if matches!(error.kind(), Invalid | NotFound | Conflict) => Self::Kept,
            Err(_) => Self::Doubted,
        }
    }
}

/// Does when it is dropped what is to be done after a write, by a panic too: then in doubt.
struct Aftermath {
    shared: Arc<Shared>,
    subject: Subject,
    knowledge: Knowledge,
}

impl Aftermath {
    fn settle(&mut self, knowledge: Knowledge) {
        self.knowledge = knowledge;
    }
}

impl Drop for Aftermath {
    fn drop(&mut self) {
        let shared = &self.shared;
        match (&self.knowledge, &self.subject) {
            (Knowledge::Kept, _) => {}
            (Knowledge::Doubted, Subject::Offer(partition, id)) => {
                shared.doubt_offer(partition, *id);
            }
            (Knowledge::Doubted, Subject::Partition(partition)) => {
                shared.doubt_partition(partition);
            }
            (Knowledge::Forgotten, Subject::Offer(partition, id)) => {
                shared.forget_offer(partition, *id);
            }
            (Knowledge::Forgotten, Subject::Partition(partition)) => {
                shared.forget_partition(partition);
            }
        }
    }
}
