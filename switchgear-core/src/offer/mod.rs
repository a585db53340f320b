//! Offers: what a wallet may pay, and the text and picture that it shows.

mod identifier;
mod image;
mod metadata;
mod payable;
mod provider;
mod range;
mod rfc3339;
mod store;

use chrono::{DateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    identifier::{Identifier, InternetAddress},
    image::{Image, ImageData},
    metadata::{OfferMetadata, Text},
    payable::PayableOffer,
    provider::{OfferProvider, StoreOffers},
    range::SendableRange,
    store::{OfferMetadataStore, OfferStore},
};
use crate::{Millisatoshi, Partition, invalid::InvalidValue};

/// An offer to be paid: amounts, validity, and the metadata that describes it.
///
/// Its JSON is the body of the offer service; amounts are in msat, times are RFC 3339 and kept to
/// the microsecond.
///
/// ```
/// use switchgear_core::offer::Offer;
///
/// let offer: Offer = serde_json::from_str(r#"{
///     "partition": "default",
///     "id": "6a38ebdd-83ef-4b94-b843-3b18cd90a833",
///     "maxSendable": 1000000,
///     "minSendable": 1000,
///     "metadataId": "88deff7e-ca45-4144-8fca-286a5a18fb1a",
///     "timestamp": "2024-01-01T00:00:00Z",
///     "expires": null
/// }"#).unwrap();
/// assert_eq!(offer.sendable.min().msat(), 1_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OfferWire", into = "OfferWire")]
pub struct Offer {
    /// Where the offer lives; with `id`, its key.
    pub partition: Partition,
    /// Unique within the partition.
    pub id: Uuid,
    /// What may be sent.
    pub sendable: SendableRange,
    /// The metadata, of the same partition.
    pub metadata_id: Uuid,
    /// When the offer may be paid.
    pub validity: Validity,
}

/// When an offer may be paid: from `timestamp` on, until `expires` where there is such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    timestamp: DateTime<Utc>,
    expires: Option<DateTime<Utc>>,
}

impl Validity {
    /// Both times are cut to the microsecond, which every store keeps.
    pub fn new(timestamp: DateTime<Utc>, expires: Option<DateTime<Utc>>) -> Self {
        Self {
            timestamp: timestamp.trunc_subsecs(6),
            expires: expires.map(|time| time.trunc_subsecs(6)),
        }
    }

    /// The first moment.
    pub fn timestamp(&self) -> DateTime<Utc> {
        self.timestamp
    }

    /// The moment from which on it is over.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires
    }

    /// Whether `now` lies within.
    pub fn contains(&self, now: DateTime<Utc>) -> bool {
        self.timestamp <= now && self.expires.is_none_or(|expires| now < expires)
    }
}

/// An offer as it stands on the wire, where its amounts may still contradict each other and its times
/// be none.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, rename = "Offer")]
struct OfferWire {
    partition: Partition,
    id: Uuid,
    max_sendable: Millisatoshi,
    min_sendable: Millisatoshi,
    metadata_id: Uuid,
    timestamp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl TryFrom<OfferWire> for Offer {
    type Error = InvalidValue;

    fn try_from(wire: OfferWire) -> Result<Self, Self::Error> {
        let timestamp = rfc3339::read("timestamp", &wire.timestamp)?;
        let expires = wire.expires.as_deref();
        let expires = expires.map(|text| rfc3339::read("expires", text));
        Ok(Self {
            partition: wire.partition,
            id: wire.id,
            sendable: SendableRange::try_new(wire.min_sendable, wire.max_sendable)?,
            metadata_id: wire.metadata_id,
            validity: Validity::new(timestamp, expires.transpose()?),
        })
    }
}

impl From<Offer> for OfferWire {
    fn from(offer: Offer) -> Self {
        Self {
            partition: offer.partition,
            id: offer.id,
            max_sendable: offer.sendable.max(),
            min_sendable: offer.sendable.min(),
            metadata_id: offer.metadata_id,
            timestamp: rfc3339::write(offer.validity.timestamp),
            expires: offer.validity.expires.map(rfc3339::write),
        }
    }
}

#[cfg(test)]
mod tests;
