use switchgear_core::{
    Partition,
    offer::{Offer, OfferMetadata, OfferMetadataStore, OfferStore},
    store::{Page, PageStart, StoreErrorKind, Written},
};
use uuid::Uuid;

use super::{
    offer_races,
    outcome::{done, refused},
    records::{self, partition},
};

/// Checks a store of offers and what binds them to their metadata, in partitions of the suite's own.
/// What it wrote is deleted again.
///
/// # Panics
/// With what the store does otherwise.
pub async fn offers(offers: &dyn OfferStore, metadata: &dyn OfferMetadataStore) {
    let records = Described::new(offers, metadata).await;
    records.keeps_every_field().await;
    records.keeps_amounts_and_times_at_their_edges().await;
    records.refuses_what_contradicts_its_records().await;
    records.lists_in_the_order_of_creation().await;
    records.finds_all_that_stood_when_paging_began().await;
    records.keeps_metadata_that_is_used().await;
    offer_races::run(&records).await;
    records.leave().await;
}

/// The stores under test, and a metadata record for the offers.
pub(super) struct Described<'s> {
    pub(super) offers: &'s dyn OfferStore,
    pub(super) metadata: &'s dyn OfferMetadataStore,
    pub(super) partition: Partition,
    pub(super) text: OfferMetadata,
}

impl<'s> Described<'s> {
    pub(super) async fn new(
        offers: &'s dyn OfferStore,
        metadata: &'s dyn OfferMetadataStore,
    ) -> Self {
        let partition = partition();
        let text = records::metadata(&partition);
        done(
            metadata.post_metadata(text.clone()).await,
            "a post of metadata",
        );
        Self {
            offers,
            metadata,
            partition,
            text,
        }
    }

    pub(super) async fn leave(self) {
        let listed = self.page(PageStart::Offset(0), 100).await;
        assert_eq!(listed, [], "a deleted offer must not be listed");
        self.delete_metadata(self.text.id).await;
    }

    async fn keeps_every_field(&self) {
        let extreme = records::extreme_offer(&self.text);
        done(self.offers.post_offer(extreme.clone()).await, "a post");
        let found = self.find(extreme.id).await;
        assert_eq!(found, Some(extreme.clone()), "what was posted must be read");

        let ordinary = Offer {
            id: extreme.id,
            ..records::offer(&self.text)
        };
        for offer in [ordinary, extreme.clone()] {
            let written = done(self.offers.put_offer(offer.clone()).await, "a put");
            assert_eq!(written, Written::Updated, "the put of an existing offer");
            assert_eq!(self.find(offer.id).await, Some(offer));
        }
        let written = done(self.offers.put_offer(extreme.clone()).await, "a put");
        assert_eq!(
            written,
            Written::Updated,
            "the put of what is there already"
        );
        let new = records::offer(&self.text);
        let written = done(self.offers.put_offer(new.clone()).await, "a put");
        assert_eq!(written, Written::Created, "the put of a new offer");
        for id in [new.id, extreme.id] {
            self.delete(id).await;
            assert_eq!(
                self.find(id).await,
                None,
                "a deleted offer must not be found"
            );
        }
    }

    async fn keeps_amounts_and_times_at_their_edges(&self) {
        for offer in records::offers_at_the_edges(&self.text) {
            done(self.offers.post_offer(offer.clone()).await, "a post");
            assert_eq!(self.find(offer.id).await.as_ref(), Some(&offer));
            let listed = self.page(PageStart::Offset(0), 2).await;
            assert_eq!(listed, std::slice::from_ref(&offer), "the offer in a list");
            self.delete(offer.id).await;
        }
    }

    async fn refuses_what_contradicts_its_records(&self) {
        let offer = records::offer(&self.text);
        let id = offer.id.to_string();
        let deleted = self.offers.delete_offer(&self.partition, offer.id).await;
        refused(
            deleted,
            StoreErrorKind::NotFound,
            &id,
            "a delete of nothing",
        );

        done(self.offers.post_offer(offer.clone()).await, "a post");
        let again = Offer {
            sendable: records::range(5, 6),
            ..offer.clone()
        };
        let posted = self.offers.post_offer(again).await;
        refused(posted, StoreErrorKind::Conflict, &id, "a second post");
        assert_eq!(self.find(offer.id).await.as_ref(), Some(&offer));

        // Metadata that is nowhere, and metadata that is in another partition only.
        let elsewhere = records::metadata(&partition());
        done(
            self.metadata.post_metadata(elsewhere.clone()).await,
            "a post",
        );
        for metadata_id in [Uuid::new_v4(), elsewhere.id] {
            let words = metadata_id.to_string();
            let new = Offer {
                metadata_id,
                ..records::offer(&self.text)
            };
            let invalid = StoreErrorKind::Invalid;
            let posted = self.offers.post_offer(new.clone()).await;
            refused(posted, invalid, &words, "a post without metadata");
            let put = self.offers.put_offer(new.clone()).await;
            refused(put, invalid, &words, "a put without metadata");
            assert_eq!(
                self.find(new.id).await,
                None,
                "a refused offer must not be there"
            );

            let changed = Offer {
                metadata_id,
                ..offer.clone()
            };
            let put = self.offers.put_offer(changed).await;
            refused(put, invalid, &words, "a put that loses its metadata");
            let found = self.find(offer.id).await;
            assert_eq!(
                found.as_ref(),
                Some(&offer),
                "a refused put must change nothing"
            );
        }
        let deleted = self
            .metadata
            .delete_metadata(&elsewhere.partition, elsewhere.id);
        done(deleted.await, "a delete of metadata");
        self.delete(offer.id).await;
    }

    async fn lists_in_the_order_of_creation(&self) {
        let mut all: Vec<Offer> = (0..7).map(|_| records::offer(&self.text)).collect();
        for offer in &all {
            done(self.offers.post_offer(offer.clone()).await, "a post");
        }
        all[0].sendable = records::range(7, 8);
        done(self.offers.put_offer(all[0].clone()).await, "a put");

        for offset in 0..9 {
            let listed = self.page(PageStart::Offset(offset as u64), 3).await;
            let expected: Vec<_> = all.iter().skip(offset).take(3).cloned().collect();
            assert_eq!(listed, expected, "three offers from the offset {offset}");
        }
        for n in 0..all.len() {
            let listed = self.page(PageStart::After(all[n].id), 3).await;
            let expected: Vec<_> = all.iter().skip(n + 1).take(3).cloned().collect();
            assert_eq!(listed, expected, "three offers after the one in place {n}");
        }
        let beyond = self.page(PageStart::Offset(u64::MAX), 3).await;
        assert_eq!(beyond, [], "behind the largest offset");

        // Who comes back comes last.
        self.delete(all[0].id).await;
        done(self.offers.post_offer(all[0].clone()).await, "a post");
        let listed = self.page(PageStart::After(all[6].id), 3).await;
        assert_eq!(listed, all[..1], "who comes back comes last");
        for offer in &all {
            self.delete(offer.id).await;
        }
        // Deleted, never there, and that of a metadata record.
        for id in [all[0].id, Uuid::new_v4(), self.text.id] {
            let page = Page {
                start: PageStart::After(id),
                count: 3,
            };
            let listed = self.offers.offers(&self.partition, page).await;
            refused(
                listed,
                StoreErrorKind::Invalid,
                "after",
                "a page after no offer",
            );
        }
    }

    /// Paging by key, while offers come and go.
    async fn finds_all_that_stood_when_paging_began(&self) {
        let all: Vec<Offer> = (0..6).map(|_| records::offer(&self.text)).collect();
        for offer in &all {
            done(self.offers.post_offer(offer.clone()).await, "a post");
        }
        let mut listed = self.page(PageStart::Offset(0), 2).await;
        self.delete(all[0].id).await;
        let late = records::offer(&self.text);
        done(self.offers.post_offer(late.clone()).await, "a post");
        while let Some(last) = listed.last() {
            let page = self.page(PageStart::After(last.id), 2).await;
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        let expected: Vec<_> = all.iter().chain([&late]).cloned().collect();
        assert_eq!(listed, expected, "no offer may be missed or listed twice");
        for offer in &expected[1..] {
            self.delete(offer.id).await;
        }
    }

    async fn keeps_metadata_that_is_used(&self) {
        let other = records::metadata(&self.partition);
        done(
            self.metadata.post_metadata(other.clone()).await,
            "a post of metadata",
        );
        let (id, words) = (other.id, other.id.to_string());
        let offer = records::offer(&other);
        done(self.offers.post_offer(offer.clone()).await, "a post");

        let deleted = self.metadata.delete_metadata(&self.partition, id).await;
        refused(
            deleted,
            StoreErrorKind::Invalid,
            &words,
            "a delete of used metadata",
        );
        let written = done(
            self.metadata.put_metadata(other).await,
            "a put of used metadata",
        );
        assert_eq!(written, Written::Updated);
        let deleted = self.metadata.delete_metadata(&self.partition, id).await;
        refused(
            deleted,
            StoreErrorKind::Invalid,
            &words,
            "a delete of used metadata",
        );

        // Free once the offer has gone to other metadata.
        let moved = Offer {
            metadata_id: self.text.id,
            ..offer.clone()
        };
        done(self.offers.put_offer(moved).await, "a put");
        self.delete_metadata(id).await;
        self.delete(offer.id).await;
    }

    pub(super) async fn find(&self, id: Uuid) -> Option<Offer> {
        done(self.offers.offer(&self.partition, id).await, "a get")
    }

    pub(super) async fn page(&self, start: PageStart, count: usize) -> Vec<Offer> {
        let page = Page { start, count };
        done(self.offers.offers(&self.partition, page).await, "a list")
    }

    pub(super) async fn delete(&self, id: Uuid) {
        done(
            self.offers.delete_offer(&self.partition, id).await,
            "a delete",
        );
    }

    pub(super) async fn delete_metadata(&self, id: Uuid) {
        let deleted = self.metadata.delete_metadata(&self.partition, id).await;
        done(deleted, "a delete of metadata");
    }
}
