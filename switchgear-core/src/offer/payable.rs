use uuid::Uuid;

use super::{Offer, OfferMetadata, SendableRange, Validity};
use crate::{Partition, lnurl::PayMetadata};

/// An offer joined with its metadata, ready to be served: rendered and hashed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayableOffer {
    /// Where the offer lives.
    pub partition: Partition,
    /// Unique within the partition.
    pub id: Uuid,
    /// What may be sent.
    pub sendable: SendableRange,
    /// When; judged anew each time that the offer is served.
    pub validity: Validity,
    /// The metadata exactly as served, and its hash.
    pub metadata: PayMetadata,
}

impl PayableOffer {
    /// Joins an offer with its metadata.
    pub fn new(offer: Offer, metadata: &OfferMetadata) -> Self {
        Self {
            partition: offer.partition,
            id: offer.id,
            sendable: offer.sendable,
            validity: offer.validity,
            metadata: PayMetadata::render(metadata),
        }
    }
}
