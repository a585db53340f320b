//! A cache over a faulty store, with one metadata record and the offers that a test asks for.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use switchgear_core::{
    Partition,
    offer::{Offer, OfferMetadata, OfferMetadataStore as _, OfferProvider as _, OfferStore as _},
    store::StoreError,
};
use switchgear_stores::cached::{CacheConfig, CachedOffers, InvalidatingStore};
use uuid::Uuid;

use super::store::Faulty;

pub(crate) const TTL: Duration = Duration::from_secs(1);

/// What is seen of an offer: its smallest amount, which tests count up, and its text.
pub(crate) type Seen = Option<(u64, String)>;

#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) store: Arc<Faulty>,
    pub(crate) cache: CachedOffers,
    pub(crate) writer: InvalidatingStore<Faulty>,
}

impl Fixture {
    /// With the metadata record, whose text is "coffee".
    pub(crate) async fn new(config: CacheConfig) -> Self {
        let store = Faulty::new();
        let cache = CachedOffers::new(store.clone(), config);
        let writer = cache.invalidated_by(store.clone());
        store
            .records
            .put_metadata(metadata("coffee"))
            .await
            .unwrap();
        Self {
            store,
            cache,
            writer,
        }
    }

    /// With the offer 1 too, in its first version, asked for once.
    pub(crate) async fn warm(config: CacheConfig) -> Self {
        let fixture = Self::new(config).await;
        fixture.store.records.put_offer(offer(1, 1)).await.unwrap();
        assert_eq!(fixture.see(1).await.unwrap(), seen(1, "coffee"));
        assert_eq!(fixture.store.loads(), 1);
        fixture
    }

    /// Looks an offer up through the cache.
    pub(crate) async fn see(&self, id: u128) -> Result<Seen, StoreError> {
        see(&self.cache, id).await
    }
}

pub(crate) async fn see(cache: &CachedOffers, id: u128) -> Result<Seen, StoreError> {
    let answer = cache.payable(&partition(), Uuid::from_u128(id)).await?;
    Ok(answer.map(|offer| {
        let metadata: Vec<(String, String)> =
            serde_json::from_str(offer.metadata.as_str()).unwrap();
        (offer.sendable.min().msat(), metadata[0].1.clone())
    }))
}

pub(crate) fn seen(version: u64, text: &str) -> Seen {
    Some((version, text.to_owned()))
}

pub(crate) fn partition() -> Partition {
    Partition::try_new("default").unwrap()
}

pub(crate) fn metadata(text: &str) -> OfferMetadata {
    serde_json::from_value(json!({
        "id": Uuid::nil(), "partition": "default", "text": text,
    }))
    .unwrap()
}

pub(crate) fn offer(id: u128, version: u64) -> Offer {
    serde_json::from_value(json!({
        "partition": "default",
        "id": Uuid::from_u128(id),
        "maxSendable": 1_000_000_000,
        "minSendable": version,
        "metadataId": Uuid::nil(),
        "timestamp": "2024-01-01T00:00:00Z",
    }))
    .unwrap()
}
