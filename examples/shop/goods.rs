use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use switchgear_core::{
    Millisatoshi, Partition,
    lnurl::PayMetadata,
    offer::{OfferProvider, PayableOffer, SendableRange, Validity},
    store::StoreError,
};
use uuid::Uuid;

/// What the shop sells. Each of the goods is an offer, made when the shop opens.
#[derive(Debug)]
pub(crate) struct Goods(Vec<Good>);

#[derive(Debug)]
struct Good {
    name: &'static str,
    offer: Arc<PayableOffer>,
}

impl Goods {
    pub(crate) fn try_new(partition: &Partition) -> anyhow::Result<Self> {
        let good = |name, sat| {
            let price = Millisatoshi::from_sat(sat);
            let metadata = serde_json::to_string(&[["text/plain", name]])?;
            let offer = PayableOffer {
                partition: partition.clone(),
                id: Uuid::new_v4(),
                sendable: SendableRange::try_new(price, price)?,
                validity: Validity::new(Utc::now(), None),
                metadata: PayMetadata::from_served(metadata),
            };
            anyhow::Ok(Good {
                name,
                offer: Arc::new(offer),
            })
        };
        Ok(Self(vec![good("coffee", 4_000)?, good("cake", 5_500)?]))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|good| good.name)
    }

    /// Each name with its offer's URL.
    pub(crate) fn offers(&self, base: &str) -> impl Iterator<Item = (&'static str, String)> {
        self.0.iter().map(move |good| {
            let PayableOffer { partition, id, .. } = &*good.offer;
            (good.name, format!("{base}/pay/offers/{partition}/{id}"))
        })
    }
}

/// All that the LNURL service asks of a store.
#[async_trait]
impl OfferProvider for Goods {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        let mut offers = self.0.iter().map(|good| &good.offer);
        Ok(offers
            .find(|offer| offer.partition == *partition && offer.id == id)
            .cloned())
    }
}
