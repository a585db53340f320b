//! The memory stores against the suite that every store passes.

use switchgear_core::{
    Partition,
    offer::OfferStore,
    store::{Page, PageStart},
};
use switchgear_stores::{
    conformance,
    memory::{MemoryDiscoveryStore, MemoryOfferStore},
};

#[tokio::test]
async fn passes_the_suite_of_backends() {
    let store = MemoryDiscoveryStore::new();
    conformance::discovery(&store).await;
    conformance::discovery_changes(&store).await;
    conformance::discovery_cancellation(&store).await;
}

#[tokio::test]
async fn passes_the_suite_of_offers() {
    let store = MemoryOfferStore::new();
    conformance::metadata(&store).await;
    conformance::offers(&store, &store).await;
    conformance::offers_cancellation(&store, &store).await;
    conformance::provider(&store, &store, &store).await;
}

#[tokio::test]
async fn lists_nothing_behind_the_end() {
    let page = Page {
        start: PageStart::Offset(u64::MAX),
        count: usize::MAX,
    };
    let partition = Partition::try_new("default").unwrap();
    let listed = MemoryOfferStore::new().offers(&partition, page).await;
    assert_eq!(listed.unwrap(), []);
}
