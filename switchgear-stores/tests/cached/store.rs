//! A store in memory that fails as it is told, and counts what it is asked.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use switchgear_core::{
    Partition,
    offer::{Offer, OfferMetadata, OfferMetadataStore, OfferProvider, OfferStore, PayableOffer},
    store::{Page, StoreError, StoreErrorKind, Written},
};
use switchgear_stores::memory::MemoryOfferStore;
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

/// What the store does wrongly; what it was asked is done or read before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It does not give the result until this fault ends.
    Holds,
    Fails,
    Panics,
}

#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) records: MemoryOfferStore,
    fault: watch::Sender<Fault>,
    loads: watch::Sender<usize>,
    writes: watch::Sender<usize>,
}

impl Faulty {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            records: MemoryOfferStore::new(),
            fault: watch::Sender::new(Fault::None),
            loads: watch::Sender::new(0),
            writes: watch::Sender::new(0),
        })
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// How often the read path was asked.
    pub(crate) fn loads(&self) -> usize {
        *self.loads.borrow()
    }

    /// Waits until the read path was asked so often.
    pub(crate) async fn until_loads(&self, count: usize) {
        until(&self.loads, count).await;
    }

    /// Waits until so many writes were committed.
    pub(crate) async fn until_writes(&self, count: usize) {
        until(&self.writes, count).await;
    }

    async fn suffer(&self) -> Result<(), StoreError> {
        let fault = *self.fault.borrow();
        match fault {
            Fault::None => Ok(()),
            Fault::Holds => {
                let mut fault = self.fault.subscribe();
                drop(fault.wait_for(|fault| *fault != Fault::Holds).await);
                Ok(())
            }
            Fault::Fails => Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "the database is down",
            )),
            Fault::Panics => panic!("a store that panics"),
        }
    }

    async fn written<R>(&self, written: Result<R, StoreError>) -> Result<R, StoreError> {
        self.writes.send_modify(|writes| *writes += 1);
        self.suffer().await?;
        written
    }
}

/// Bounded, in virtual time: that passes at once where nothing else is left to do.
async fn until(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let reached = counter.wait_for(|counted| *counted >= count);
    let reached = timeout(Duration::from_secs(60), reached).await;
    reached.expect("the store must be asked").unwrap();
}

#[async_trait]
impl OfferProvider for Faulty {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        let answer = self.records.payable(partition, id).await;
        self.loads.send_modify(|loads| *loads += 1);
        self.suffer().await?;
        answer
    }
}

#[async_trait]
impl OfferStore for Faulty {
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        self.records.offer(partition, id).await
    }

    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        self.records.offers(partition, page).await
    }

    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError> {
        self.written(self.records.post_offer(offer).await).await
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        self.written(self.records.put_offer(offer).await).await
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.written(self.records.delete_offer(partition, id).await)
            .await
    }
}

#[async_trait]
impl OfferMetadataStore for Faulty {
    async fn metadata(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError> {
        self.records.metadata(partition, id).await
    }

    async fn metadata_page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        self.records.metadata_page(partition, page).await
    }

    async fn post_metadata(&self, metadata: OfferMetadata) -> Result<(), StoreError> {
        self.written(self.records.post_metadata(metadata).await)
            .await
    }

    async fn put_metadata(&self, metadata: OfferMetadata) -> Result<Written, StoreError> {
        self.written(self.records.put_metadata(metadata).await)
            .await
    }

    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.written(self.records.delete_metadata(partition, id).await)
            .await
    }
}
