//! One shape for the two kinds of records that the service keeps.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use switchgear_core::{
    Partition,
    offer::{Offer, OfferMetadata, OfferMetadataStore, OfferStore},
    store::{Page, StoreError, Written},
};
use uuid::Uuid;

/// A record with its key.
pub(super) trait Record: Serialize + DeserializeOwned + Send {
    /// What a person calls it.
    const NOUN: &'static str;

    fn key(&self) -> (&Partition, Uuid);
}

/// Where records of one kind are kept.
#[async_trait]
pub(super) trait Shelf<R>: Send + Sync {
    async fn get(&self, partition: &Partition, id: Uuid) -> Result<Option<R>, StoreError>;
    async fn page(&self, partition: &Partition, page: Page) -> Result<Vec<R>, StoreError>;
    async fn post(&self, record: R) -> Result<(), StoreError>;
    async fn put(&self, record: R) -> Result<Written, StoreError>;
    async fn delete(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError>;
}

impl Record for Offer {
    const NOUN: &'static str = "offer";

    fn key(&self) -> (&Partition, Uuid) {
        (&self.partition, self.id)
    }
}

impl Record for OfferMetadata {
    const NOUN: &'static str = "metadata";

    fn key(&self) -> (&Partition, Uuid) {
        (&self.partition, self.id)
    }
}

#[async_trait]
impl Shelf<Offer> for dyn OfferStore {
    async fn get(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        self.offer(partition, id).await
    }

    async fn page(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        self.offers(partition, page).await
    }

    async fn post(&self, record: Offer) -> Result<(), StoreError> {
        self.post_offer(record).await
    }

    async fn put(&self, record: Offer) -> Result<Written, StoreError> {
        self.put_offer(record).await
    }

    async fn delete(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.delete_offer(partition, id).await
    }
}

#[async_trait]
impl Shelf<OfferMetadata> for dyn OfferMetadataStore {
    async fn get(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError> {
        self.metadata(partition, id).await
    }

    async fn page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        self.metadata_page(partition, page).await
    }

    async fn post(&self, record: OfferMetadata) -> Result<(), StoreError> {
        self.post_metadata(record).await
    }

    async fn put(&self, record: OfferMetadata) -> Result<Written, StoreError> {
        self.put_metadata(record).await
    }

    async fn delete(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.delete_metadata(partition, id).await
    }
}
