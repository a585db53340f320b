//! What the look-up of an offer costs that is served from the cache: of a small one, of one with the
//! largest picture, by itself and as the LNURL service asks, and of the memory store for comparison.
//!
//! `cargo bench -p switchgear-benches --bench offers`

use std::{hint::black_box, sync::Arc};

use allocation_counter::measure;
use criterion::{Criterion, criterion_group, criterion_main};
use futures::FutureExt as _;
use serde_json::json;
use switchgear_core::{
    Partition,
    offer::{ImageData, OfferMetadataStore as _, OfferProvider, OfferStore as _},
};
use switchgear_stores::{
    cached::{CacheConfig, CachedOffers},
    memory::MemoryOfferStore,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Offers of one partition, of which the last has the largest picture.
const OFFERS: u128 = 10_000;

struct Fixture {
    partition: Partition,
    store: Arc<MemoryOfferStore>,
    cache: CachedOffers,
}

impl Fixture {
    async fn new() -> Self {
        let store = Arc::new(MemoryOfferStore::new());
        // A day, so that nothing is loaded anew while it is measured.
        let config = CacheConfig::new(std::time::Duration::from_secs(86_400));
        let fixture = Self {
            partition: Partition::try_new("default").expect("a legal name"),
            cache: CachedOffers::new(store.clone(), config),
            store,
        };
        fixture.describe(1, &serde_json::Value::Null).await;
        let start = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";
        let picture = format!("{start}{}", "A".repeat(ImageData::MAX_LEN - start.len()));
        fixture.describe(2, &json!({"png": picture})).await;
        for id in 1..=OFFERS {
            fixture.offer(id).await;
        }
        fixture
    }

    async fn describe(&self, id: u128, image: &serde_json::Value) {
        let record = json!({
            "id": Uuid::from_u128(id), "partition": self.partition, "text": "coffee", "image": image,
        });
        let record = serde_json::from_value(record).expect("a legal record");
        self.store.post_metadata(record).await.expect("it is new");
    }

    async fn offer(&self, id: u128) {
        let metadata = if id == OFFERS { 2 } else { 1 };
        let offer = json!({
            "partition": self.partition,
            "id": Uuid::from_u128(id),
            "maxSendable": 1_000_000,
            "minSendable": 1_000,
            "metadataId": Uuid::from_u128(metadata),
            "timestamp": "2024-01-01T00:00:00Z",
        });
        let offer = serde_json::from_value(offer).expect("a legal offer");
        self.store.post_offer(offer).await.expect("it is new");
        let served = self.cache.payable(&self.partition, Uuid::from_u128(id));
        served
            .await
            .expect("the store answers")
            .expect("it is there");
    }
}

fn offers(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads can be started");
    let fixture = runtime.block_on(Fixture::new());
    let _context = runtime.enter();
    let Fixture {
        partition,
        store,
        cache,
    } = &fixture;
    let held = cache.figures();
    assert_eq!(held.offers as u128, OFFERS, "nothing was pushed out");
    let dynamic: Arc<dyn OfferProvider> = Arc::new(cache.clone());
    let memory: Arc<dyn OfferProvider> = store.clone();
    let now = |provider: &dyn OfferProvider, id| {
        let answer = provider.payable(partition, id).now_or_never();
        answer.expect("it is held").expect("the store answers")
    };
    let [small, large] = [1, OFFERS].map(Uuid::from_u128);
    let allocated = measure(|| drop(black_box(cache.fresh(partition, large))));
    assert_eq!(allocated.count_total, 0, "{allocated:?}");
    let allocated = measure(|| drop(black_box(now(&*dynamic, large))));
    // The future that the trait asks for.
    assert!(
        allocated.count_total <= 1 && allocated.bytes_total <= 256,
        "{allocated:?}"
    );

    let mut group = criterion.benchmark_group("offer_look_up");
    for (name, id) in [("small", small), ("largest_picture", large)] {
        group.bench_function(format!("cache/{name}"), |bencher| {
            bencher.iter(|| cache.fresh(black_box(partition), black_box(id)));
        });
        group.bench_function(format!("cache_as_provider/{name}"), |bencher| {
            bencher.iter(|| now(&*dynamic, black_box(id)));
        });
    }
    group.bench_function("cache/random", |bencher| {
        let mut id = 0;
        bencher.iter(|| {
            id = (id + 7_919) % OFFERS;
            cache.fresh(partition, Uuid::from_u128(black_box(id + 1)))
        });
    });
    group.bench_function("memory_store/small", |bencher| {
        bencher.iter(|| now(&*memory, black_box(small)));
    });
    group.finish();
}

criterion_group!(benches, offers);
criterion_main!(benches);
