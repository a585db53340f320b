use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Offer, OfferMetadata};
use crate::{
    Partition,
    store::{Page, StoreError, Written},
};

/// A store of offers, as the offer service administers it.
///
/// Every method is atomic. A call that is dropped midway has either done all or nothing.
#[async_trait]
pub trait OfferStore: Send + Sync + fmt::Debug {
    /// The offer, if there is one.
    ///
    /// # Errors
    /// When the store cannot answer.
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError>;

    /// A page of a partition's offers, ordered by creation then id.
    ///
    /// # Errors
    /// [`Invalid`](crate::store::StoreErrorKind::Invalid) when the page begins after an unknown id.
    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError>;

    /// Adds an offer. Not idempotent.
    ///
    /// # Errors
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) when its key is taken,
    /// [`Invalid`](crate::store::StoreErrorKind::Invalid) when its metadata does not exist.
    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError>;

    /// Adds or replaces an offer, which keeps its place in the order. Idempotent.
    ///
    /// # Errors
    /// [`Invalid`](crate::store::StoreErrorKind::Invalid) when its metadata does not exist.
    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError>;

    /// Removes an offer.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) when there is none.
    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError>;
}

/// A store of offer metadata, as the offer service administers it.
///
/// Every method is atomic. A call that is dropped midway has either done all or nothing.
#[async_trait]
pub trait OfferMetadataStore: Send + Sync + fmt::Debug {
    /// The record, if there is one.
    ///
    /// # Errors
    /// When the store cannot answer.
    async fn metadata(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError>;

    /// A page of a partition's records, ordered by creation then id.
    ///
    /// # Errors
    /// [`Invalid`](crate::store::StoreErrorKind::Invalid) when the page begins after an unknown id.
    async fn metadata_page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError>;

    /// Adds a record. Not idempotent.
    ///
    /// # Errors
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) when its key is taken.
    async fn post_metadata(&self, metadata: OfferMetadata) -> Result<(), StoreError>;

    /// Adds or replaces a record, which keeps its place in the order. Idempotent.
    ///
    /// # Errors
    /// When the store cannot answer.
    async fn put_metadata(&self, metadata: OfferMetadata) -> Result<Written, StoreError>;

    /// Removes a record.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) when there is none,
    /// [`Invalid`](crate::store::StoreErrorKind::Invalid) while an offer uses it.
    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError>;
}
