use std::sync::Arc;

use switchgear_stores::cached::{CacheConfig, CachedOffers};

use super::stores::{Offers, Stores};
use crate::config::{Config, ServiceKind};

impl Stores {
    /// Puts the cache before the offers, where the LNURL service runs and its configuration asks for
    /// one; whatever the store is, so that all of them behave alike.
    pub(super) fn cached(self, config: &Config) -> Self {
        let section = config.lnurl.as_ref();
        let section = section.filter(|_| config.services.contains(&ServiceKind::Lnurl));
        let ttl = section.map(|section| section.cache_ttl);
        let Some(ttl) = ttl.filter(|ttl| !ttl.is_zero()) else {
            return self;
        };
        Self {
            offer: self
                .offer
                .map(|offers| offers.cached(CacheConfig::new(ttl))),
            ..self
        }
    }
}

impl Offers {
    /// What the offer service of this process writes, the cache forgets.
    fn cached(self, config: CacheConfig) -> Self {
        let cache = CachedOffers::new(self.provider, config);
        Self {
            offers: Arc::new(cache.invalidated_by(self.offers)),
            metadata: Arc::new(cache.invalidated_by(self.metadata)),
            provider: Arc::new(cache),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use switchgear_core::offer::{Offer, OfferMetadata, OfferMetadataStore as _};
    use switchgear_stores::memory::MemoryOfferStore;

    use super::*;

    #[tokio::test]
    async fn what_the_offer_service_writes_the_lnurl_service_serves_at_once() {
        let store = Arc::new(MemoryOfferStore::new());
        let offers = Offers {
            offers: store.clone(),
            metadata: store.clone(),
            provider: store.clone(),
        };
        let offers = offers.cached(CacheConfig::default());
        let id = uuid::Uuid::from_u128(1);
        let record = |text: &str| -> OfferMetadata {
            let record = json!({"id": id, "partition": "default", "text": text});
            serde_json::from_value(record).unwrap()
        };
        let offer: Offer = serde_json::from_value(json!({
            "partition": "default",
            "id": id,
            "maxSendable": 2,
            "minSendable": 1,
            "metadataId": id,
            "timestamp": "2024-01-01T00:00:00Z",
        }))
        .unwrap();
        let partition = &offer.partition;

        assert_eq!(offers.provider.payable(partition, id).await.unwrap(), None);
        offers
            .metadata
            .post_metadata(record("coffee"))
            .await
            .unwrap();
        offers.offers.post_offer(offer.clone()).await.unwrap();
        for text in ["coffee", "tea"] {
            offers.metadata.put_metadata(record(text)).await.unwrap();
            let served = offers.provider.payable(partition, id).await.unwrap();
            let rendered = served.unwrap().metadata.as_str().to_owned();
            assert!(rendered.contains(text), "{rendered}");
        }
        // It is a cache indeed: what is written past it is not seen.
        store.put_metadata(record("milk")).await.unwrap();
        let served = offers.provider.payable(partition, id).await.unwrap();
        assert!(served.unwrap().metadata.as_str().contains("tea"));
    }
}
