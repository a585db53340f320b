use async_trait::async_trait;
use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use switchgear_core::{
    Partition,
    offer::{Offer, OfferStore},
    store::{Page, PageStart, StoreError, Written},
};
use uuid::Uuid;

use super::{SqliteStore, connections::Connection, paging};
use crate::{
    refusal,
    sql::{Fault, OfferRow, schema::offers},
};

#[async_trait]
impl OfferStore for SqliteStore {
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        let key = (partition.to_string(), id.to_string());
        self.connections
            .read(|connection| {
                Box::pin(async move {
                    let row: Option<OfferRow> = offers::table
                        .find(key)
                        .select(OfferRow::as_select())
                        .first(connection)
                        .await
                        .optional()?;
                    row.map(Offer::try_from).transpose()
                })
            })
            .await
    }

    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        let partition = partition.to_string();
        self.connections
            .read(move |connection| {
                Box::pin(async move {
                    let rows = rows(connection, &partition, page).await?;
                    rows.into_iter().map(Offer::try_from).collect()
                })
            })
            .await
    }

    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError> {
        self.connections
            .write(|connection| {
                Box::pin(async move {
                    diesel::insert_into(offers::table)
                        .values(OfferRow::from(&offer))
                        .execute(connection)
                        .await
                        .map_err(|error| {
                            Fault::or_exists(error, || {
                                refusal::offer_exists(&offer.partition, offer.id)
                            })
                            .or_breaks_reference(|| missing_metadata(&offer))
                        })?;
                    Ok(())
                })
            })
            .await
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        self.connections
            .write(|connection| {
                Box::pin(async move {
                    replace(connection, &OfferRow::from(&offer))
                        .await
                        .map_err(|fault| fault.or_breaks_reference(|| missing_metadata(&offer)))
                })
            })
            .await
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        let partition = partition.clone();
        self.connections
            .write(move |connection| {
                Box::pin(async move {
                    let row = offers::table.find((partition.to_string(), id.to_string()));
                    match diesel::delete(row).execute(connection).await? {
                        0 => Err(refusal::offer_not_found(&partition, id).into()),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }
}

fn missing_metadata(offer: &Offer) -> StoreError {
    refusal::metadata_missing(&offer.partition, offer.metadata_id)
}

async fn rows(
    connection: &mut Connection,
    partition: &str,
    page: Page,
) -> Result<Vec<OfferRow>, Fault> {
    let in_order = offers::table
        .filter(offers::partition.eq(partition))
        .order(offers::sequence)
        .limit(paging::limit(page.count))
        .select(OfferRow::as_select());
    let rows = match page.start {
        PageStart::Offset(offset) => {
            let query = in_order.offset(paging::offset(offset));
            query.load(connection).await?
        }
        PageStart::After(id) => {
            let place = place(connection, partition, id).await?;
            let query = in_order.filter(offers::sequence.gt(place));
            query.load(connection).await?
        }
    };
    Ok(rows)
}

async fn place(connection: &mut Connection, partition: &str, id: Uuid) -> Result<i64, Fault> {
    let place = offers::table
        .find((partition, id.to_string()))
        .select(offers::sequence)
        .first(connection)
        .await
        .optional()?;
    place.ok_or_else(|| refusal::page_key_unknown(id).into())
}

async fn replace(connection: &mut Connection, row: &OfferRow) -> Result<Written, Fault> {
    let updated = diesel::update(offers::table.find((&row.partition, &row.id)))
        .set(row)
        .execute(connection)
        .await?;
    if updated > 0 {
        return Ok(Written::Updated);
    }
    diesel::insert_into(offers::table)
        .values(row)
        .execute(connection)
        .await?;
    Ok(Written::Created)
}
