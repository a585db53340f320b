use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _,
    QueryDsl as _, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use switchgear_core::{
    Partition,
    offer::{Offer, OfferMetadata, OfferProvider, PayableOffer},
    store::StoreError,
};
use uuid::Uuid;

use super::{SqliteStore, connections::Connection};
use crate::sql::{
    Fault, MetadataRow, OfferRow,
    schema::{offer_metadata, offers},
};

#[async_trait]
impl OfferProvider for SqliteStore {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        let (partition, id) = (partition.to_string(), id.to_string());
        let payable = self
            .connections
            .read(|connection| Box::pin(async move { join(connection, &partition, &id).await }))
            .await?;
        Ok(payable.map(Arc::new))
    }
}

async fn join(
    connection: &mut Connection,
    partition: &str,
    id: &str,
) -> Result<Option<PayableOffer>, Fault> {
    let described_by = offer_metadata::partition
        .eq(offers::partition)
        .and(offer_metadata::id.eq(offers::metadata_id));
    let rows: Option<(OfferRow, MetadataRow)> = offers::table
        .inner_join(offer_metadata::table.on(described_by))
        .filter(offers::partition.eq(partition))
        .filter(offers::id.eq(id))
        .select((OfferRow::as_select(), MetadataRow::as_select()))
        .first(connection)
        .await
        .optional()?;
    let Some((offer, metadata)) = rows else {
        return Ok(None);
    };
    let metadata = OfferMetadata::try_from(metadata)?;
    Ok(Some(PayableOffer::new(Offer::try_from(offer)?, &metadata)))
}
