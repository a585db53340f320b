//! The one suite that every store passes: memory, three databases, HTTP over each of them, and each behind the cache.

use std::{sync::Arc, time::Duration};

use switchgear_core::backend::BackendSnapshot;
use switchgear_stores::{
    cached::{CacheConfig, CachedOffers},
    conformance,
    memory::{MemoryDiscoveryStore, MemoryOfferStore},
};

use crate::{place::Sql, services::Services, stores::Stores};

/// Fewer than the suite has callers, so that some wait for a connection.
const CONNECTIONS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_conforms_near_and_remote() -> anyhow::Result<()> {
    conforms_near_and_remote(&memory()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms_near_and_remote() -> anyhow::Result<()> {
    database_conforms(Sql::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms_near_and_remote() -> anyhow::Result<()> {
    database_conforms(Sql::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_conforms_near_and_remote() -> anyhow::Result<()> {
    database_conforms(Sql::MariaDb).await
}

/// One writes, all others wait for it: nothing may wait for a second connection while it holds one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_conform_with_a_single_connection() -> anyhow::Result<()> {
    for sql in [Sql::Sqlite, Sql::Postgres, Sql::MariaDb] {
        if let Some(place) = sql.place().await? {
            conforms(&place.open(1).await?).await;
        }
    }
    Ok(())
}

async fn database_conforms(sql: Sql) -> anyhow::Result<()> {
    let Some(place) = sql.place().await? else {
        return Ok(());
    };
    let stores = place.open(CONNECTIONS).await?;
    conforms_near_and_remote(&stores).await?;
    for table in ["discovery_backends", "offers", "offer_metadata"] {
        let left = place
            .number(&format!("SELECT count(*) FROM {table}"))
            .await?;
        assert_eq!(left, 0, "what was deleted is still in {table}");
    }
    Ok(())
}

async fn conforms_near_and_remote(stores: &Stores) -> anyhow::Result<()> {
    conforms(stores).await;
    conforms(&behind_cache(stores)).await;
    conformance::discovery_changes(&*stores.backends).await;
    let services = Services::over(stores).await?;
    conforms(&services.remote).await;
    conforms(&behind_cache(&services.remote)).await;
    Ok(())
}

/// What is written through it is seen at once, however long the cache may keep it.
fn behind_cache(stores: &Stores) -> Stores {
    const LONG: Duration = Duration::from_secs(3_600);

    let provider = Arc::clone(&stores.provider);
    let cache = CachedOffers::new(provider, CacheConfig::new(LONG));
    Stores {
        backends: Arc::clone(&stores.backends),
        offers: Arc::new(cache.invalidated_by(Arc::clone(&stores.offers))),
        metadata: Arc::new(cache.invalidated_by(Arc::clone(&stores.metadata))),
        provider: Arc::new(cache),
    }
}

/// The suite itself.
pub(crate) async fn conforms(stores: &Stores) {
    conformance::discovery(&*stores.backends).await;
    conformance::metadata(&*stores.metadata).await;
    conformance::offers(&*stores.offers, &*stores.metadata).await;
    conformance::provider(&*stores.provider, &*stores.offers, &*stores.metadata).await;
    conformance::discovery_cancellation(&*stores.backends).await;
    conformance::offers_cancellation(&*stores.offers, &*stores.metadata).await;
    delete_what_came_late(stores).await;
}

/// A call that was dropped may come to its end after the suite has deleted what it wrote, which is legal:
/// it does all or nothing. What it did is deleted, so that the next suite finds an empty store.
async fn delete_what_came_late(stores: &Stores) {
    let left = stores.backends.snapshot(None).await.expect("a snapshot");
    if let BackendSnapshot::Changed { backends, .. } = left {
        for backend in backends {
            let deleted = stores.backends.delete(&backend.address).await;
            deleted.expect("a delete");
        }
    }
}

fn memory() -> Stores {
    Stores::new(
        Arc::new(MemoryDiscoveryStore::new()),
        Arc::new(MemoryOfferStore::new()),
    )
}
