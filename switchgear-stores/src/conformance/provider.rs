use switchgear_core::offer::{
    Offer, OfferMetadata, OfferMetadataStore, OfferProvider, OfferStore, PayableOffer,
};

use super::{
    outcome::done,
    records::{self, partition},
};

/// Checks that the read path serves what the two stores hold, as soon as they hold it. What it wrote
/// is deleted again.
///
/// # Panics
/// With what the provider does otherwise.
pub async fn provider(
    provider: &dyn OfferProvider,
    offers: &dyn OfferStore,
    metadata: &dyn OfferMetadataStore,
) {
    let partition = partition();
    let plain = records::metadata(&partition);
    let extreme = records::extreme_metadata(&partition);
    for record in [&plain, &extreme] {
        done(
            metadata.post_metadata(record.clone()).await,
            "a post of metadata",
        );
    }
    let offer = records::extreme_offer(&extreme);
    serves(provider, &offer, None).await;
    done(offers.post_offer(offer.clone()).await, "a post");
    serves(provider, &offer, Some(&extreme)).await;

    // A change of the text reaches the offer, and so does a change of the offer.
    let renamed = OfferMetadata {
        text: records::text("renamed"),
        ..extreme.clone()
    };
    done(
        metadata.put_metadata(renamed.clone()).await,
        "a put of metadata",
    );
    serves(provider, &offer, Some(&renamed)).await;
    let moved = Offer {
        id: offer.id,
        ..records::offer(&plain)
    };
    done(offers.put_offer(moved.clone()).await, "a put");
    serves(provider, &moved, Some(&plain)).await;

    done(offers.delete_offer(&partition, moved.id).await, "a delete");
    serves(provider, &moved, None).await;
    for record in [plain, extreme] {
        let deleted = metadata.delete_metadata(&partition, record.id).await;
        done(deleted, "a delete of metadata");
    }
}

async fn serves(provider: &dyn OfferProvider, offer: &Offer, metadata: Option<&OfferMetadata>) {
    let served = done(
        provider.payable(&offer.partition, offer.id).await,
        "a look-up",
    );
    let expected = metadata.map(|metadata| PayableOffer::new(offer.clone(), metadata));
    assert_eq!(
        served.as_deref(),
        expected.as_ref(),
        "the offer joined with its metadata"
    );

    let elsewhere = partition();
    let served = done(provider.payable(&elsewhere, offer.id).await, "a look-up");
    assert_eq!(served, None, "another partition must not have the offer");
}
