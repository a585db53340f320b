//! The read path, compiled for one database: `sql/mod.rs` says why.

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

use super::{Store, connections::Connection};
use crate::sql::{
    Fault, MetadataRow, OfferRow,
    schema::{offer_metadata, offers},
};

#[async_trait]
impl OfferProvider for Store {
    async fn payable(
        &self,
        partition: &Partition,
        id: Uuid,
    ) -> Result<Option<Arc<PayableOffer>>, StoreError> {
        let (partition, id) = (partition.to_string(), id.to_string());
        let rows = self
            .connections
            .read(move |connection| Box::pin(join(connection, partition.clone(), id.clone())))
            .await?;
        let Some((offer, metadata)) = rows else {
            return Ok(None);
        };
        let metadata = OfferMetadata::try_from(metadata)?;
        let payable = PayableOffer::new(Offer::try_from(offer)?, &metadata);
        Ok(Some(Arc::new(payable)))
    }
}

/// One query, by the keys of both tables.
async fn join(
    connection: &mut Connection,
    partition: String,
    id: String,
) -> Result<Option<(OfferRow, MetadataRow)>, Fault> {
    let described_by = offer_metadata::partition
        .eq(offers::partition)
        .and(offer_metadata::id.eq(offers::metadata_id));
    let rows = offers::table
        .inner_join(offer_metadata::table.on(described_by))
        .filter(offers::partition.eq(partition))
        .filter(offers::id.eq(id))
        .select((OfferRow::as_select(), MetadataRow::as_select()))
        .first(connection)
        .await
        .optional()?;
    Ok(rows)
}
