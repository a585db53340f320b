use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use parking_lot::RwLock;
use switchgear_core::{
    Partition,
    lnurl::PayMetadata,
    offer::{Offer, OfferMetadata, OfferMetadataStore, OfferProvider, OfferStore, PayableOffer},
    store::{Page, PageStart, StoreError, Written},
};
use uuid::Uuid;

use super::sequenced::Sequenced;
use crate::refusal;

/// Offers and their metadata in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryOfferStore {
    partitions: Arc<RwLock<HashMap<Partition, Records>>>,
}

/// What one partition holds.
#[derive(Debug, Default)]
struct Records {
    offers: Sequenced<Uuid, Offer>,
    metadata: Sequenced<Uuid, Described>,
}

/// A metadata record with what is known of it: rendered once, when it is written, because the read
/// path asks for it with every request.
#[derive(Debug)]
struct Described {
    record: OfferMetadata,
    rendered: PayMetadata,
    offers: usize,
}

impl MemoryOfferStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn read<R>(&self, partition: &Partition, read: impl FnOnce(&Records) -> R) -> R {
        match self.partitions.read().get(partition) {
            Some(records) => read(records),
            None => read(&Records::default()),
        }
    }

    fn write<R>(&self, partition: &Partition, write: impl FnOnce(&mut Records) -> R) -> R {
        let mut partitions = self.partitions.write();
        write(partitions.entry(partition.clone()).or_default())
    }
}

#[async_trait]
impl OfferStore for MemoryOfferStore {
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        Ok(self.read(partition, |records| records.offers.get(&id).cloned()))
    }

    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        self.read(partition, |records| {
            page_of(&records.offers, page, Offer::clone)
        })
    }

    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError> {
        let partition = offer.partition.clone();
        self.write(&partition, |records| {
            if records.offers.contains(&offer.id) {
                return Err(refusal::offer_exists(&offer.partition, offer.id));
            }
            records.put_offer(offer).map(drop)
        })
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        let partition = offer.partition.clone();
        self.write(&partition, |records| records.put_offer(offer))
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.write(partition, |records| {
            let offer = records
                .offers
                .remove(&id)
                .ok_or_else(|| refusal::offer_not_found(partition, id))?;
            records.release(offer.metadata_id);
            Ok(())
        })
    }
}

#[async_trait]
impl OfferMetadataStore for MemoryOfferStore {
    async fn metadata(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError> {
        Ok(self.read(partition, |records| {
            let described = records.metadata.get(&id)?;
            Some(described.record.clone())
        }))
    }

    async fn metadata_page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        self.read(partition, |records| {
            page_of(&records.metadata, page, |described| {
                described.record.clone()
            })
        })
    }

    async fn post_metadata(&self, metadata: OfferMetadata) -> Result<(), StoreError> {
        let partition = metadata.partition.clone();
        self.write(&partition, |records| {
            if records.metadata.contains(&metadata.id) {
                return Err(refusal::metadata_exists(&metadata.partition, metadata.id));
            }
            records.put_metadata(metadata);
            Ok(())
        })
    }

    async fn put_metadata(&self, metadata: OfferMetadata) -> Result<Written, StoreError> {
        let partition = metadata.partition.clone();
        Ok(self.write(&partition, |records| records.put_metadata(metadata)))
    }

    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.write(partition, |records| match records.metadata.get(&id) {
            None => Err(refusal::metadata_not_found(partition, id)),
            Some(described) if described.offers > 0 => Err(refusal::metadata_in_use(partition, id)),
            Some(_) => {
                records.metadata.remove(&id);
                Ok(())
            }
        })
    }
}

#[async_trait]
impl OfferProvider for MemoryOfferStore {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        Ok(self.read(partition, |records| {
            let offer = records.offers.get(&id)?;
            let described = records.metadata.get(&offer.metadata_id)?;
            Some(Arc::new(PayableOffer {
                partition: offer.partition.clone(),
                id: offer.id,
                sendable: offer.sendable,
                validity: offer.validity,
                metadata: described.rendered.clone(),
            }))
        }))
    }
}

impl Records {
    fn put_offer(&mut self, offer: Offer) -> Result<Written, StoreError> {
        let Some(described) = self.metadata.get_mut(&offer.metadata_id) else {
            let missing = refusal::metadata_missing(&offer.partition, offer.metadata_id);
            return Err(missing);
        };
        described.offers += 1;
        match self.offers.insert(offer.id, offer) {
            None => Ok(Written::Created),
            Some(replaced) => {
                self.release(replaced.metadata_id);
                Ok(Written::Updated)
            }
        }
    }

    fn put_metadata(&mut self, record: OfferMetadata) -> Written {
        let described = Described {
            rendered: PayMetadata::render(&record),
            offers: self.metadata.get(&record.id).map_or(0, |old| old.offers),
            record,
        };
        match self.metadata.insert(described.record.id, described) {
            None => Written::Created,
            Some(_) => Written::Updated,
        }
    }

    fn release(&mut self, metadata_id: Uuid) {
        if let Some(described) = self.metadata.get_mut(&metadata_id) {
            described.offers -= 1;
        }
    }
}

fn page_of<V, R>(
    records: &Sequenced<Uuid, V>,
    page: Page,
    clone: impl Fn(&V) -> R,
) -> Result<Vec<R>, StoreError> {
    match page.start {
        PageStart::Offset(offset) => {
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            let behind = records.values().skip(offset);
            Ok(behind.take(page.count).map(clone).collect())
        }
        PageStart::After(id) => {
            let behind = records
                .values_after(&id)
                .ok_or_else(|| refusal::page_key_unknown(id))?;
            Ok(behind.take(page.count).map(clone).collect())
        }
    }
}
