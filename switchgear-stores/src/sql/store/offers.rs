//! Offers, compiled for one database: `sql/mod.rs` says why.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _, QueryDsl as _,
    SelectableHelper as _,
};
use diesel_async::{AsyncConnection, RunQueryDsl as _, TransactionManager as _};
use switchgear_core::{
    Partition,
    offer::{Offer, OfferStore},
    store::{Page, PageStart, StoreError, Written},
};
use uuid::Uuid;

use super::{
    Store,
    connections::{Connection, REFUSAL_ENDS_TRANSACTION},
};
use crate::{
    refusal,
    sql::{Fault, OfferRow, keyed_statements, paging, schema::offers},
};

#[async_trait]
impl OfferStore for Store {
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        let (partition, id) = (partition.to_string(), id.to_string());
        let row = self
            .connections
            .read(move |connection| Box::pin(find(connection, partition.clone(), id.clone())))
            .await?;
        row.map(Offer::try_from).transpose()
    }

    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        let partition = partition.to_string();
        let rows = self
            .connections
            .read(move |connection| Box::pin(rows(connection, partition.clone(), page)))
            .await?;
        rows.into_iter().map(Offer::try_from).collect()
    }

    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError> {
        let offer = Arc::new(offer);
        self.connections
            .write(move |connection| Box::pin(post(connection, Arc::clone(&offer))))
            .await
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        let offer = Arc::new(offer);
        self.connections
            .write(move |connection| Box::pin(put(connection, Arc::clone(&offer))))
            .await
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let partition = partition.clone();
        self.connections
            .write(move |connection| Box::pin(remove(connection, partition.clone(), id)))
            .await
    }
}

async fn post(connection: &mut Connection, offer: Arc<Offer>) -> Result<(), Fault> {
    insert(connection, &OfferRow::from(&*offer))
        .await
        .map_err(|fault| {
            fault
                .or_exists(|| refusal::offer_exists(&offer.partition, offer.id))
                .or_breaks_reference(|| missing_metadata(&offer))
        })
}

async fn put(connection: &mut Connection, offer: Arc<Offer>) -> Result<Written, Fault> {
    replace(connection, &OfferRow::from(&*offer))
        .await
        .map_err(|fault| fault.or_breaks_reference(|| missing_metadata(&offer)))
}

async fn remove(connection: &mut Connection, partition: Partition, id: Uuid) -> Result<(), Fault> {
    if delete(connection, &partition, id).await? {
        Ok(())
    } else {
        Err(refusal::offer_not_found(&partition, id).into())
    }
}

fn missing_metadata(offer: &Offer) -> StoreError {
    refusal::metadata_missing(&offer.partition, offer.metadata_id)
}

keyed_statements!(offers, OfferRow);
