use async_trait::async_trait;
use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use switchgear_core::{
    Partition,
    offer::{OfferMetadata, OfferMetadataStore},
    store::{Page, PageStart, StoreError, Written},
};
use uuid::Uuid;

use super::{SqliteStore, connections::Connection, paging};
use crate::{
    refusal,
    sql::{Fault, MetadataRow, schema::offer_metadata},
};

#[async_trait]
impl OfferMetadataStore for SqliteStore {
    async fn metadata(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<OfferMetadata>, StoreError> {
        let key = (partition.to_string(), id.to_string());
        self.connections
            .read(|connection| {
                Box::pin(async move {
                    let row: Option<MetadataRow> = offer_metadata::table
                        .find(key)
                        .select(MetadataRow::as_select())
                        .first(connection)
                        .await
                        .optional()?;
                    row.map(OfferMetadata::try_from).transpose()
                })
            })
            .await
    }

    async fn metadata_page(
        &self,
        partition: &Partition,
        page: Page,
    ) -> Result<Vec<OfferMetadata>, StoreError> {
        let partition = partition.to_string();
        self.connections
            .read(move |connection| {
                Box::pin(async move {
                    let rows = rows(connection, &partition, page).await?;
                    rows.into_iter().map(OfferMetadata::try_from).collect()
                })
            })
            .await
    }

    async fn post_metadata(&self, metadata: OfferMetadata) -> Result<(), StoreError> {
        self.connections
            .write(|connection| {
                Box::pin(async move {
                    diesel::insert_into(offer_metadata::table)
                        .values(MetadataRow::from(&metadata))
                        .execute(connection)
                        .await
                        .map_err(|error| {
                            Fault::or_exists(error, || {
                                refusal::metadata_exists(&metadata.partition, metadata.id)
                            })
                        })?;
                    Ok(())
                })
            })
            .await
    }

    async fn put_metadata(&self, metadata: OfferMetadata) -> Result<Written, StoreError> {
        let row = MetadataRow::from(&metadata);
        self.connections
            .write(|connection| Box::pin(async move { replace(connection, &row).await }))
            .await
    }

    async fn delete_metadata(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let partition = partition.clone();
        self.connections
            .write(move |connection| {
                Box::pin(async move {
                    let row = offer_metadata::table.find((partition.to_string(), id.to_string()));
                    let deleted =
                        diesel::delete(row)
                            .execute(connection)
                            .await
                            .map_err(|error| {
                                Fault::from(error).or_breaks_reference(|| {
                                    refusal::metadata_in_use(&partition, id)
                                })
                            })?;
                    match deleted {
                        0 => Err(refusal::metadata_not_found(&partition, id).into()),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }
}

async fn rows(
    connection: &mut Connection,
    partition: &str,
    page: Page,
) -> Result<Vec<MetadataRow>, Fault> {
    let in_order = offer_metadata::table
        .filter(offer_metadata::partition.eq(partition))
        .order(offer_metadata::sequence)
        .limit(paging::limit(page.count))
        .select(MetadataRow::as_select());
    let rows = match page.start {
        PageStart::Offset(offset) => {
            let query = in_order.offset(paging::offset(offset));
            query.load(connection).await?
        }
        PageStart::After(id) => {
            let place = place(connection, partition, id).await?;
            let query = in_order.filter(offer_metadata::sequence.gt(place));
            query.load(connection).await?
        }
    };
    Ok(rows)
}

async fn place(connection: &mut Connection, partition: &str, id: Uuid) -> Result<i64, Fault> {
    let place = offer_metadata::table
        .find((partition, id.to_string()))
        .select(offer_metadata::sequence)
        .first(connection)
        .await
        .optional()?;
    place.ok_or_else(|| refusal::page_key_unknown(id).into())
}

async fn replace(connection: &mut Connection, row: &MetadataRow) -> Result<Written, Fault> {
    let updated = diesel::update(offer_metadata::table.find((&row.partition, &row.id)))
        .set(row)
        .execute(connection)
        .await?;
    if updated > 0 {
        return Ok(Written::Updated);
    }
    diesel::insert_into(offer_metadata::table)
        .values(row)
        .execute(connection)
        .await?;
    Ok(Written::Created)
}
