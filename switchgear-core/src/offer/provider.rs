use std::{fmt, sync::Arc};

use async_trait::async_trait;
use uuid::Uuid;

use super::{OfferMetadataStore, OfferStore, PayableOffer};
use crate::{
    Partition,
    store::{StoreError, StoreErrorKind},
};

/// The read path of offers: all that the LNURL service asks of a store.
///
/// Whether the offer is valid at this moment is judged by whoever serves it.
#[async_trait]
pub trait OfferProvider: Send + Sync + fmt::Debug {
    /// The offer joined with its metadata, if there is one.
    ///
    /// Idempotent and safe to cancel.
    ///
    /// # Errors
    /// When the store cannot answer.
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError>;
}

#[async_trait]
impl<T: OfferProvider + ?Sized> OfferProvider for Arc<T> {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        (**self).payable(partition, id).await
    }
}

/// Serves the read path from any pair of stores, by two look-ups.
#[derive(Debug, Clone)]
pub struct StoreOffers<O, M> {
    offers: O,
    metadata: M,
}

impl<O, M> StoreOffers<O, M> {
    /// Joins what `offers` and `metadata` hold.
    pub fn new(offers: O, metadata: M) -> Self {
        Self { offers, metadata }
    }
}

#[async_trait]
impl<O, M> OfferProvider for StoreOffers<Arc<O>, Arc<M>>
where
    O: OfferStore + ?Sized,
    M: OfferMetadataStore + ?Sized,
{
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        let Some(offer) = self.offers.offer(partition, id).await? else {
            return Ok(None);
        };
        let metadata = self.metadata.metadata(partition, offer.metadata_id).await?;
        let Some(metadata) = metadata else {
            // A delete came between the two look-ups, or the store lost its integrity.
            return Err(StoreError::new(
                StoreErrorKind::Unavailable,
                format!("offer {partition}/{id} has no metadata record"),
            ));
        };
        Ok(Some(Arc::new(PayableOffer::new(offer, &metadata))))
    }
}
