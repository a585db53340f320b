//! The suite finds a store that does not keep its promises.
#![expect(
    clippy::unwrap_used,
    reason = "the store under test is known to answer"
)]

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::DateTime;
use switchgear_core::{
    Partition,
    backend::{
        Backend, BackendAddress, BackendPatch, BackendSnapshot, DiscoveryBackendStore,
        DiscoveryFeed, SnapshotVersion,
    },
    offer::{Offer, OfferStore, Validity},
    store::{Page, PageStart, StoreError, Written},
};
use switchgear_stores::{
    conformance,
    memory::{MemoryDiscoveryStore, MemoryOfferStore},
};
use uuid::Uuid;

/// What a store does wrongly.
#[derive(Debug, PartialEq, Eq)]
enum Flaw {
    /// A PUT is a DELETE and a POST.
    LosesItsPlace,
    /// A POST over an existing backend replaces it.
    KnowsNoConflict,
    /// A snapshot never says that nothing changed.
    ForgetsVersions,
    /// A PATCH reads, lets others in, and writes.
    LosesUpdates,
    /// A PATCH writes one field after the other.
    PatchesByHalves,
    /// A PUT of what is there already changes no row, and is taken for a new record.
    CountsChangedRows,
    /// Addresses are compared as a collation would, without regard to case.
    IgnoresCase,
    /// A snapshot reads the version and then, when others have written, the backends.
    LagsBehind,
}

#[derive(Debug)]
struct Flawed {
    store: MemoryDiscoveryStore,
    flaw: Flaw,
    /// How many snapshots were taken, for the flaw that lags.
    snapshots: AtomicU64,
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Self {
            store: MemoryDiscoveryStore::new(),
            flaw,
            snapshots: AtomicU64::new(0),
        }
    }

    async fn check(flaw: Flaw) {
        conformance::discovery(&Self::new(flaw)).await;
    }

    /// Lets others in between.
    async fn lag(&self) {
        if self.flaw == Flaw::LagsBehind {
            tokio::task::yield_now().await;
        }
    }

    /// The address as the flaw takes it.
    fn seen(&self, address: &BackendAddress) -> BackendAddress {
        if self.flaw != Flaw::IgnoresCase || address.public_key().is_some() {
            return address.clone();
        }
        BackendAddress::try_from_url(&address.readable().to_lowercase()).unwrap()
    }
}

#[async_trait]
impl DiscoveryFeed for Flawed {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        let forgets = self.flaw == Flaw::ForgetsVersions;
        if self.flaw == Flaw::LagsBehind {
            let early = self.store.snapshot(known).await?;
            for _ in 0..=self.snapshots.fetch_add(1, Ordering::Relaxed) % 3 {
                self.lag().await;
            }
            let late = self.store.snapshot(None).await?;
            return Ok(match (early, late) {
                (
                    BackendSnapshot::Changed { version, .. },
                    BackendSnapshot::Changed {
                        backends, left_out, ..
                    },
                ) => BackendSnapshot::Changed {
                    version,
                    backends,
                    left_out,
                },
                (unchanged, _) => unchanged,
            });
        }
        self.store.snapshot(known.filter(|_| !forgets)).await
    }
}

#[async_trait]
impl DiscoveryBackendStore for Flawed {
    async fn get(&self, address: &BackendAddress) -> Result<Option<Backend>, StoreError> {
        self.store.get(&self.seen(address)).await
    }

    async fn post(&self, mut backend: Backend) -> Result<(), StoreError> {
        backend.address = self.seen(&backend.address);
        self.lag().await;
        match self.flaw {
            Flaw::KnowsNoConflict => self.store.put(backend).await.map(drop),
            _ => self.store.post(backend).await,
        }
    }

    async fn put(&self, backend: Backend) -> Result<Written, StoreError> {
        self.lag().await;
        let standing = self.store.get(&backend.address).await?;
        if self.flaw == Flaw::CountsChangedRows && standing.as_ref() == Some(&backend) {
            return Ok(Written::Created);
        }
        let exists = standing.is_some();
        if self.flaw == Flaw::LosesItsPlace && exists {
            self.store.delete(&backend.address).await?;
            self.store.post(backend).await?;
            return Ok(Written::Updated);
        }
        self.store.put(backend).await
    }

    async fn patch(&self, address: &BackendAddress, patch: BackendPatch) -> Result<(), StoreError> {
        if self.flaw == Flaw::PatchesByHalves {
            let mut patched = self.store.get(address).await?.unwrap();
            let name = patched.name.clone();
            patch.apply(&mut patched);
            let renamed = patched.name.clone();
            patched.name = name;
            self.store.put(patched.clone()).await?;
            tokio::task::yield_now().await;
            patched.name = renamed;
            return self.store.put(patched).await.map(drop);
        }
        if self.flaw != Flaw::LosesUpdates || self.store.get(address).await?.is_none() {
            return self.store.patch(address, patch).await;
        }
        let mut backend = self.store.get(address).await?.unwrap();
        tokio::task::yield_now().await;
        patch.apply(&mut backend);
        self.store.put(backend).await.map(drop)
    }

    async fn delete(&self, address: &BackendAddress) -> Result<(), StoreError> {
        self.lag().await;
        self.store.delete(address).await
    }
}

#[tokio::test]
#[should_panic(expected = "must keep its place")]
async fn finds_a_put_that_loses_its_place() {
    Flawed::check(Flaw::LosesItsPlace).await;
}

#[tokio::test]
#[should_panic(expected = "a second post must be refused as Conflict")]
async fn finds_a_post_that_replaces() {
    Flawed::check(Flaw::KnowsNoConflict).await;
}

#[tokio::test]
#[should_panic(expected = "nothing changed since")]
async fn finds_a_snapshot_without_versions() {
    Flawed::check(Flaw::ForgetsVersions).await;
}

#[tokio::test]
#[should_panic(expected = "was lost")]
async fn finds_a_patch_that_loses_updates() {
    Flawed::check(Flaw::LosesUpdates).await;
}

#[tokio::test]
#[should_panic(expected = "half of a dropped patch")]
async fn finds_a_patch_that_is_done_by_halves() {
    conformance::discovery_cancellation(&Flawed::new(Flaw::PatchesByHalves)).await;
}

#[tokio::test]
#[should_panic(expected = "the put of what is there already")]
async fn finds_a_put_that_counts_changed_rows() {
    Flawed::check(Flaw::CountsChangedRows).await;
}

#[tokio::test]
#[should_panic(expected = "a post of a similar address must not fail")]
async fn finds_a_collation_that_ignores_case() {
    Flawed::check(Flaw::IgnoresCase).await;
}

#[tokio::test]
#[should_panic(expected = "two states of the version")]
async fn finds_a_version_that_does_not_fit_its_backends() {
    Flawed::check(Flaw::LagsBehind).await;
}

/// What a store of offers does wrongly.
#[derive(Debug, PartialEq, Eq)]
enum OfferFlaw {
    /// A PUT is a DELETE and a POST.
    LosesItsPlace,
    /// A page behind an id that is not there is empty.
    KnowsEveryKey,
    /// Times are kept to the millisecond.
    CutsTimes,
    /// A page behind an offer is found by counting those before it.
    CountsToTheKey,
    /// Two transactions look for a key before either of them writes it.
    LooksBeforeItWrites,
}

#[derive(Debug)]
struct FlawedOffers {
    store: MemoryOfferStore,
    flaw: OfferFlaw,
    /// How many offers were listed, for the flaw that counts.
    listed: AtomicU64,
}

impl FlawedOffers {
    async fn check(flaw: OfferFlaw) {
        let store = MemoryOfferStore::new();
        let flawed = Self {
            store: store.clone(),
            flaw,
            listed: AtomicU64::new(0),
        };
        conformance::offers(&flawed, &store).await;
    }
}

#[async_trait]
impl OfferStore for FlawedOffers {
    async fn offer(&self, partition: &Partition, id: Uuid) -> Result<Option<Offer>, StoreError> {
        let mut found = self.store.offer(partition, id).await?;
        if let (OfferFlaw::CutsTimes, Some(offer)) = (&self.flaw, &mut found) {
            let millis = offer.validity.timestamp().timestamp_millis();
            let cut = DateTime::from_timestamp_millis(millis).unwrap();
            offer.validity = Validity::new(cut, offer.validity.expires());
        }
        Ok(found)
    }

    async fn offers(&self, partition: &Partition, page: Page) -> Result<Vec<Offer>, StoreError> {
        let mut page = page;
        if let (OfferFlaw::CountsToTheKey, PageStart::After(_)) = (&self.flaw, page.start) {
            page.start = PageStart::Offset(self.listed.load(Ordering::Relaxed));
        }
        let listed = self.store.offers(partition, page).await;
        match (&self.flaw, page.start, listed) {
            (OfferFlaw::KnowsEveryKey, PageStart::After(_), Err(_)) => Ok(Vec::new()),
            (_, PageStart::Offset(offset), Ok(listed)) => {
                let count = offset.saturating_add(listed.len() as u64);
                self.listed.store(count, Ordering::Relaxed);
                Ok(listed)
            }
            (.., listed) => listed,
        }
    }

    async fn post_offer(&self, offer: Offer) -> Result<(), StoreError> {
        if self.flaw == OfferFlaw::LooksBeforeItWrites {
            let found = self.store.offer(&offer.partition, offer.id).await?;
            tokio::task::yield_now().await;
            if found.is_none() {
                return self.store.put_offer(offer).await.map(drop);
            }
        }
        self.store.post_offer(offer).await
    }

    async fn put_offer(&self, offer: Offer) -> Result<Written, StoreError> {
        let written = self.store.put_offer(offer.clone()).await?;
        if self.flaw == OfferFlaw::LosesItsPlace && written == Written::Updated {
            self.store.delete_offer(&offer.partition, offer.id).await?;
            self.store.post_offer(offer).await?;
        }
        Ok(written)
    }

    async fn delete_offer(&self, partition: &Partition, id: Uuid) -> Result<(), StoreError> {
        self.store.delete_offer(partition, id).await
    }
}

#[tokio::test]
#[should_panic(expected = "three offers from the offset")]
async fn finds_a_put_of_an_offer_that_loses_its_place() {
    FlawedOffers::check(OfferFlaw::LosesItsPlace).await;
}

#[tokio::test]
#[should_panic(expected = "a page after no offer must be refused")]
async fn finds_a_page_behind_no_key() {
    FlawedOffers::check(OfferFlaw::KnowsEveryKey).await;
}

#[tokio::test]
#[should_panic(expected = "what was posted must be read")]
async fn finds_times_that_are_cut() {
    FlawedOffers::check(OfferFlaw::CutsTimes).await;
}

#[tokio::test]
#[should_panic(expected = "three offers after the one in place")]
async fn finds_a_page_by_key_that_counts() {
    FlawedOffers::check(OfferFlaw::CountsToTheKey).await;
}

#[tokio::test]
#[should_panic(expected = "one of many posts must win")]
async fn finds_a_post_that_looks_before_it_writes() {
    FlawedOffers::check(OfferFlaw::LooksBeforeItWrites).await;
}
