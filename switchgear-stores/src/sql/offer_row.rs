use std::error::Error;

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use switchgear_core::{
    Millisatoshi, Partition,
    offer::{Offer, SendableRange, Validity},
    store::StoreError,
};

use super::{fault::damaged, schema::offers};

/// An offer in columns: amounts in msat, times in microseconds since 1970, which every database
/// keeps exactly and over a longer range than its own type of time.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = offers, primary_key(partition, id), treat_none_as_null = true)]
pub(crate) struct OfferRow {
    pub(crate) partition: String,
    pub(crate) id: String,
    max_sendable: i64,
    min_sendable: i64,
    metadata_id: String,
    timestamp_us: i64,
    expires_us: Option<i64>,
}

impl From<&Offer> for OfferRow {
    fn from(offer: &Offer) -> Self {
        let amount = |amount: Millisatoshi| {
            i64::try_from(amount.msat()).expect("a sendable range ends below 2^63")
        };
        Self {
            partition: offer.partition.to_string(),
            id: offer.id.to_string(),
            max_sendable: amount(offer.sendable.max()),
            min_sendable: amount(offer.sendable.min()),
            metadata_id: offer.metadata_id.to_string(),
            timestamp_us: offer.validity.timestamp().timestamp_micros(),
            expires_us: offer.validity.expires().map(|at| at.timestamp_micros()),
        }
    }
}

impl TryFrom<OfferRow> for Offer {
    type Error = StoreError;

    fn try_from(row: OfferRow) -> Result<Self, StoreError> {
        read(&row)
            .map_err(|error| damaged(format_args!("offer {}/{}", row.partition, row.id), error))
    }
}

fn read(row: &OfferRow) -> Result<Offer, Box<dyn Error + Send + Sync>> {
    let amount = |column: i64| u64::try_from(column).map(Millisatoshi::new);
    Ok(Offer {
        partition: Partition::try_new(&row.partition)?,
        id: row.id.parse()?,
        sendable: SendableRange::try_new(amount(row.min_sendable)?, amount(row.max_sendable)?)?,
        metadata_id: row.metadata_id.parse()?,
        validity: Validity::new(
            time(row.timestamp_us)?,
            row.expires_us.map(time).transpose()?,
        ),
    })
}

fn time(micros: i64) -> Result<chrono::DateTime<chrono::Utc>, String> {
    chrono::DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| format!("{micros} microseconds since 1970 are no time"))
}
