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

/// How often an offer that changes meanwhile is looked up with its metadata.
const LOOK_UPS: usize = 2;

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
        let Some(mut offer) = self.offers.offer(partition, id).await? else {
            return Ok(None);
        };
        for _ in 0..LOOK_UPS {
            let wanted = offer.metadata_id;
            if let Some(metadata) = self.metadata.metadata(partition, wanted).await? {
                return Ok(Some(Arc::new(PayableOffer::new(offer, &metadata))));
            }
            // Between the two look-ups the offer may have gone, or changed to other metadata.
            match self.offers.offer(partition, id).await? {
                None => return Ok(None),
                Some(changed) if changed.metadata_id != wanted => offer = changed,
                Some(_) => break,
            }
        }
        Err(without_metadata(partition, id))
    }
}

fn without_metadata(partition: &Partition, id: Uuid) -> StoreError {
    let message = format!("offer {partition}/{id} has no metadata record");
    StoreError::new(StoreErrorKind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::Mutex,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::{
        Millisatoshi,
        offer::{Offer, OfferMetadata, SendableRange, Text, Validity},
        store::{Page, Written},
    };

    /// Gives one offer after the other, as if it were changed between look-ups, and one record.
    #[derive(Debug)]
    struct Changing {
        offers: Mutex<Vec<Option<Offer>>>,
        record: OfferMetadata,
    }

    #[async_trait]
    impl OfferStore for Changing {
        async fn offer(&self, _: &Partition, _: Uuid) -> Result<Option<Offer>, StoreError> {
            Ok(self.offers.lock().unwrap().remove(0))
        }

        async fn offers(&self, _: &Partition, _: Page) -> Result<Vec<Offer>, StoreError> {
            unreachable!("a look-up lists nothing")
        }

        async fn post_offer(&self, _: Offer) -> Result<(), StoreError> {
            unreachable!("a look-up writes nothing")
        }

        async fn put_offer(&self, _: Offer) -> Result<Written, StoreError> {
            unreachable!("a look-up writes nothing")
        }

        async fn delete_offer(&self, _: &Partition, _: Uuid) -> Result<(), StoreError> {
            unreachable!("a look-up writes nothing")
        }
    }

    #[async_trait]
    impl OfferMetadataStore for Changing {
        async fn metadata(
            &self,
            _: &Partition,
            id: Uuid,
        ) -> Result<Option<OfferMetadata>, StoreError> {
            Ok((id == self.record.id).then(|| self.record.clone()))
        }

        async fn metadata_page(
            &self,
            _: &Partition,
            _: Page,
        ) -> Result<Vec<OfferMetadata>, StoreError> {
            unreachable!("a look-up lists nothing")
        }

        async fn post_metadata(&self, _: OfferMetadata) -> Result<(), StoreError> {
            unreachable!("a look-up writes nothing")
        }

        async fn put_metadata(&self, _: OfferMetadata) -> Result<Written, StoreError> {
            unreachable!("a look-up writes nothing")
        }

        async fn delete_metadata(&self, _: &Partition, _: Uuid) -> Result<(), StoreError> {
            unreachable!("a look-up writes nothing")
        }
    }

    const KEPT: Uuid = Uuid::from_u128(1);

    /// Looks an offer up whose metadata are these at each look-up; none where it is gone.
    fn look_up(metadata: &[Option<u128>]) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        let partition = Partition::try_new("default").unwrap();
        let offer = |metadata_id| Offer {
            partition: partition.clone(),
            id: Uuid::nil(),
            sendable: SendableRange::try_new(Millisatoshi::new(1), Millisatoshi::new(2)).unwrap(),
            metadata_id: Uuid::from_u128(metadata_id),
            validity: Validity::new(chrono::DateTime::UNIX_EPOCH, None),
        };
        let store = Arc::new(Changing {
            offers: Mutex::new(metadata.iter().map(|id| id.map(offer)).collect()),
            record: OfferMetadata {
                id: KEPT,
                partition: partition.clone(),
                text: Text::try_new("a text").unwrap(),
                long_text: None,
                image: None,
                identifier: None,
            },
        });
        // Shared and unnamed, as the service holds it.
        let provider: Arc<dyn OfferProvider> =
            Arc::new(StoreOffers::new(Arc::clone(&store), store));
        let look_up = pin!(provider.payable(&partition, Uuid::nil()));
        match Future::poll(look_up, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn follows_an_offer_that_goes_or_changes_between_its_two_look_ups() {
        assert!(look_up(&[Some(1)]).unwrap().is_some());
        assert!(look_up(&[None]).unwrap().is_none());
        assert!(look_up(&[Some(2), None]).unwrap().is_none());
        assert!(look_up(&[Some(2), Some(1)]).unwrap().is_some());
        for lost in [
            [Some(2), Some(2)].as_slice(),
            &[Some(2), Some(3), Some(3)],
            &[Some(2), Some(3), Some(4)],
        ] {
            let error = look_up(lost).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
            assert!(error.to_string().contains("no metadata record"), "{error}");
        }
    }
}
