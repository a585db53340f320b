//! Metadata, compiled for one database: `sql/mod.rs` says why.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _, QueryDsl as _,
    SelectableHelper as _,
};
use diesel_async::{AsyncConnection, RunQueryDsl as _, TransactionManager as _};
use switchgear_core::{
    Partition,
    offer::{OfferMetadata, OfferMetadataStore},
    store::{Page, PageStart, StoreError, Written},
};
use uuid::Uuid;

use super::{
    Store,
    connections::{Connection, REFUSAL_ENDS_TRANSACTION},
};
use crate::{
    refusal,
    sql::{Fault, MetadataRow, keyed_statements, paging, schema::offer_metadata},
};

#[async_trait]
impl OfferMetadataStore for Store {
    async fn metadata(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError> {
        let (partition, id) = (partition.to_string(), id.to_string());
        let row = self
            .connections
            .read(move |connection| Box::pin(find(connection, partition.clone(), id.clone())))
            .await?;
        row.map(OfferMetadata::try_from).transpose()
    }

    async fn metadata_page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        let partition = partition.to_string();
        let rows = self
            .connections
            .read(move |connection| Box::pin(rows(connection, partition.clone(), page)))
            .await?;
        rows.into_iter().map(OfferMetadata::try_from).collect()
    }

    async fn post_metadata(&self, metadata: OfferMetadata) -> Result<(), StoreError> {
        let metadata = Arc::new(metadata);
        self.connections
            .write(move |connection| Box::pin(post(connection, Arc::clone(&metadata))))
            .await
    }

    async fn put_metadata(&self, metadata: OfferMetadata) -> Result<Written, StoreError> {
        let row = Arc::new(MetadataRow::from(&metadata));
        self.connections
            .write(move |connection| Box::pin(put(connection, Arc::clone(&row))))
            .await
    }

    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let partition = partition.clone();
        self.connections
            .write(move |connection| Box::pin(remove(connection, partition.clone(), id)))
            .await
    }
}

async fn post(connection: &mut Connection, metadata: Arc<OfferMetadata>) -> Result<(), Fault> {
    insert(connection, &MetadataRow::from(&*metadata))
        .await
        .map_err(|fault| {
            fault.or_exists(|| refusal::metadata_exists(&metadata.partition, metadata.id))
        })
}

async fn put(connection: &mut Connection, row: Arc<MetadataRow>) -> Result<Written, Fault> {
    replace(connection, &row).await
}

async fn remove(connection: &mut Connection, partition: Partition, id: Uuid) -> Result<(), Fault> {
    let deleted = delete(connection, &partition, id)
        .await
        .map_err(|fault| fault.or_breaks_reference(|| refusal::metadata_in_use(&partition, id)))?;
    if deleted {
        Ok(())
    } else {
        Err(refusal::metadata_not_found(&partition, id).into())
    }
}

keyed_statements!(offer_metadata, MetadataRow);
