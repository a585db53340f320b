use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use switchgear_core::{
    Partition,
    offer::{
        Offer, OfferMetadata, OfferMetadataStore, OfferProvider, OfferStore, PayableOffer,
        StoreOffers,
    },
    store::{Page, PageStart, StoreError, Written},
};
use uuid::Uuid;

use super::{
    HttpStoreConfig,
    answer::Answer,
    service::{Ask, RemoteService},
};
use crate::refusal;

/// The service's own names of its two kinds of record.
const OFFERS: &str = "offers";
const METADATA: &str = "metadata";

/// The offers and metadata of a remote offer service. Clones share its connections.
///
/// A page may not be longer than the remote service's own `max-page-size`: it refuses what is.
#[derive(Debug, Clone)]
pub struct HttpOfferStore {
    service: Arc<RemoteService>,
}

impl HttpOfferStore {
    /// Reads the token and the trusted roots; nothing is asked yet.
    ///
    /// # Errors
    /// [`Invalid`](switchgear_core::store::StoreErrorKind::Invalid) for a base URL that no request
    /// can go to; [`Remote`](switchgear_core::store::StoreErrorKind::Remote), naming the file, when
    /// the token or the trusted roots cannot be used.
    pub fn try_new(config: HttpStoreConfig) -> Result<Self, StoreError> {
        let service = Arc::new(RemoteService::try_new(config)?);
        Ok(Self { service })
    }

    /// A page of a partition's offers; without a `count`, as many as the service gives at a time.
    ///
    /// # Errors
    /// As [`OfferStore::offers`].
    pub async fn offers_from(
        &self,
        partition: &Partition,
        start: PageStart,
        count: Option<usize>,
    ) -> Result<Vec<Offer>, StoreError> {
        self.page(OFFERS, partition, start, count).await?.records()
    }

    /// As [`Self::offers_from`], of metadata.
    ///
    /// # Errors
    /// As [`OfferMetadataStore::metadata_page`].
    pub async fn metadata_from(
        &self,
        partition: &Partition,
        start: PageStart,
        count: Option<usize>,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        let answer = self.page(METADATA, partition, start, count).await?;
        answer.records()
    }

    async fn ask_for(
        &self,
        method: Method,
        kind: &str,
        (partition, id): (&Partition, Uuid),
        complete: impl FnOnce(Ask<'_>) -> Ask<'_> + Send,
    ) -> Result<Answer, StoreError> {
        let id = id.to_string();
        let segments = [kind, partition.as_str(), &id];
        self.service
            .ask(complete(Ask::new(method, &segments)))
            .await
    }

    async fn page(
        &self,
        kind: &str,
        partition: &Partition,
        start: PageStart,
        count: Option<usize>,
    ) -> Result<Answer, StoreError> {
        let segments = [kind, partition.as_str()];
        let ask = Ask::new(Method::GET, &segments).list();
        let ask = ask.query(query(start, count));
        self.service.ask(ask).await
    }
}

#[async_trait]
impl OfferStore for HttpOfferStore {
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        let answer = self
            .ask_for(Method::GET, OFFERS, (partition, id), |ask| ask)
            .await?;
        answer.record()
    }

    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        self.offers_from(partition, page.start, Some(page.count))
            .await
    }

    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError> {
        let ask = Ask::new(Method::POST, &[OFFERS]).json(&offer);
        let answer = self.service.ask(ask).await?;
        answer.created(|| refusal::offer_exists(&offer.partition, offer.id))
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        let key = (&offer.partition, offer.id);
        let answer = self
            .ask_for(Method::PUT, OFFERS, key, |ask| ask.json(&offer))
            .await?;
        answer.written()
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let answer = self
            .ask_for(Method::DELETE, OFFERS, (partition, id), |ask| ask)
            .await?;
        answer.changed(|| refusal::offer_not_found(partition, id))
    }
}

#[async_trait]
impl OfferMetadataStore for HttpOfferStore {
    async fn metadata(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError> {
        let answer = self
            .ask_for(Method::GET, METADATA, (partition, id), |ask| ask)
            .await?;
        answer.record()
    }

    async fn metadata_page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        self.metadata_from(partition, page.start, Some(page.count))
            .await
    }

    async fn post_metadata(&self, metadata: OfferMetadata) -> Result<(), StoreError> {
        let ask = Ask::new(Method::POST, &[METADATA]).json(&metadata);
        let answer = self.service.ask(ask).await?;
        answer.created(|| refusal::metadata_exists(&metadata.partition, metadata.id))
    }

    async fn put_metadata(&self, metadata: OfferMetadata) -> Result<Written, StoreError> {
        let key = (&metadata.partition, metadata.id);
        let answer = self
            .ask_for(Method::PUT, METADATA, key, |ask| ask.json(&metadata))
            .await?;
        answer.written()
    }

    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let answer = self
            .ask_for(Method::DELETE, METADATA, (partition, id), |ask| ask)
            .await?;
        answer.changed(|| refusal::metadata_not_found(partition, id))
    }
}

/// Two requests, one after the other: the offer says which metadata to ask for.
#[async_trait]
impl OfferProvider for HttpOfferStore {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        let store = Arc::new(self.clone());
        StoreOffers::new(Arc::clone(&store), store)
            .payable(partition, id)
            .await
    }
}

/// The service takes offsets up to 2^63 − 1, which is behind the end of any list.
fn query(start: PageStart, count: Option<usize>) -> String {
    let mut query = match start {
        PageStart::Offset(start) => format!("start={}", start.min(i64::MAX.unsigned_abs())),
        PageStart::After(id) => format!("after={id}"),
    };
    if let Some(count) = count {
        query.push_str(&format!("&count={count}"));
    }
    query
}
