//! G2: requests are cancelled at random polls, with a pool of two connections; each did all or nothing.

use std::{collections::HashSet, future::poll_fn, pin::pin, task::Poll, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_core::store::{Page, PageStart};
use switchgear_tests::{DatabaseKind, eventually};
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

use crate::{
    load::{all_metadata, all_offers},
    place::{Place, Sql},
    records::{backend, metadata, offer, partition},
    row::Row,
    services::Services,
    size::size,
    stores::Stores,
};

const CONNECTIONS: usize = 2;

/// Beyond the time that a request may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// How many are under way at once: more than there are connections.
const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_sqlite_serves_on_after_requests_that_were_cancelled() -> anyhow::Result<()> {
    serves_on(Sql::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_postgres_serves_on_after_requests_that_were_cancelled() -> anyhow::Result<()> {
    serves_on(Sql::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_mariadb_serves_on_after_requests_that_were_cancelled() -> anyhow::Result<()> {
    serves_on(Sql::MariaDb).await
}

/// Half of the requests are calls of the store, half come over HTTP, where a caller that goes closes its
/// connection.
async fn serves_on(sql: Sql) -> anyhow::Result<()> {
    let Some(place) = sql.place().await? else {
        return Ok(());
    };
    let stores = place.open(CONNECTIONS).await?;
    let services = Services::over(&stores).await?;
    let requests: usize = size(1_000, 20_000);
    let seed: u64 = rand::random();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let doors = [stores.clone(), services.remote.clone()];
        let seed = seed.wrapping_add(caller as u64);
        callers.spawn(call(doors, requests / CALLERS, StdRng::seed_from_u64(seed)));
    }
    let mut told = Told::default();
    while let Some(done) = callers.join_next().await {
        told.add(done?);
    }

    let mut row = Row::new(
        "stores",
        "G2",
        format!("{requests} requests to {}, cancelled", sql.name()),
    );
    row.figure(format!(
        "{} cancelled, {} answered, seed {seed}",
        told.cancelled,
        told.metadata.len() + told.read
    ));
    row.must("a third were cancelled", told.cancelled * 3 > requests);
    row.must("some were answered", told.metadata.len() > requests / 50);
    row.must("some offers were answered", !told.offers.is_empty());
    row.must_for_all("the pool serves", &pool_serves(&stores).await);
    row.must("0 open transactions", no_transaction_is_open(&place).await?);
    row.must_for_all("0 failures", &told.failures);
    row.must_for_all(
        "all or nothing, and counts agree",
        &half(&place, &stores, &told).await?,
    );
    row.finish()
}

/// What the callers know.
#[derive(Debug, Default)]
struct Told {
    cancelled: usize,
    read: usize,
    /// The metadata that was acknowledged, by its id.
    metadata: HashSet<Uuid>,
    /// The offers that were, each with metadata of the same id.
    offers: HashSet<Uuid>,
    /// The metadata, and the offers, whose requests were cancelled: each may be there or not.
    cancelled_metadata: HashSet<Uuid>,
    cancelled_offers: HashSet<Uuid>,
    failures: Vec<String>,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.cancelled += other.cancelled;
        self.read += other.read;
        self.metadata.extend(other.metadata);
        self.offers.extend(other.offers);
        self.cancelled_metadata.extend(other.cancelled_metadata);
        self.cancelled_offers.extend(other.cancelled_offers);
        self.failures.extend(other.failures);
    }
}

async fn call(doors: [Stores; 2], requests: usize, mut random: StdRng) -> Told {
    /// A call waits once, a request for its connection, its sending and its answer: so many polls let some
    /// come to their end, and cut most off at each of their steps.
    const POLLS: [usize; 2] = [3, 4];

    let mut told = Told::default();
    for number in 0..requests {
        let door = number % doors.len();
        let stores = &doors[door];
        let id = Uuid::new_v4();
        let page = Page {
            start: PageStart::Offset(0),
            count: 10,
        };
        let kind = random.random_range(0..4);
        let request = async {
            match kind {
                0 => stores.metadata.post_metadata(metadata(id)).await,
                // With its metadata, whose id it shares.
                1 => match stores.metadata.put_metadata(metadata(id)).await {
                    Ok(_) => stores.offers.put_offer(offer(id, id)).await.map(drop),
                    Err(error) => Err(error),
                },
                2 => stores.offers.offers(&partition(), page).await.map(drop),
                _ => stores.backends.put(backend(number % 20)).await.map(drop),
            }
        };
        let polls = random.random_range(1..=POLLS[door]);
        match cancelled_after(polls, request).await {
            None => {
                told.cancelled += 1;
                told.cancelled_metadata.extend((kind < 2).then_some(id));
                told.cancelled_offers.extend((kind == 1).then_some(id));
            }
            Some(Err(error)) => told.failures.push(format!("{error:?}")),
            Some(Ok(())) if kind < 2 => {
                told.metadata.insert(id);
                told.offers.extend((kind == 1).then_some(id));
            }
            Some(Ok(())) => told.read += 1,
        }
    }
    told
}

/// Polls so many times at most, each time when it asks for it, and then drops it.
async fn cancelled_after<T>(polls: usize, request: impl Future<Output = T>) -> Option<T> {
    let mut request = pin!(request);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match request.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            // It would be waited for in vain if it is not polled again.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Every connection still takes a write, several times over.
async fn pool_serves(stores: &Stores) -> Vec<String> {
    let mut writes = JoinSet::new();
    for number in 0..4 * CONNECTIONS {
        let backends = stores.backends.clone();
        writes.spawn(async move { timeout(PATIENCE, backends.put(backend(number))).await });
    }
    let mut failures = Vec::new();
    while let Some(done) = writes.join_next().await {
        match done {
            Ok(Ok(Ok(_))) => {}
            failure => failures.push(format!("{failure:?}")),
        }
    }
    failures
}

async fn no_transaction_is_open(place: &Place) -> anyhow::Result<bool> {
    let Place::Server(database) = place else {
        // SQLite has one writer at a time: this one gets its turn only if no other holds it.
        let is_written = place.sql("BEGIN IMMEDIATE; COMMIT;").await.is_ok();
        // Its log can be emptied only while nobody reads in it; 0 says that it was.
        let busy = place.number("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        return Ok(is_written && busy == 0);
    };
    let name = database.name();
    let query = match database.server().kind() {
        DatabaseKind::Postgres => format!(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = '{name}' AND usename = 'owner' AND xact_start IS NOT NULL;"
        ),
        DatabaseKind::MariaDb => format!(
            "SELECT count(*) FROM information_schema.innodb_trx t \
             JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
             WHERE p.db = '{name}';"
        ),
    };
    let ended = eventually("transactions to end", PATIENCE, async || {
        Ok((database.number(&query).await? == 0).then_some(()))
    });
    Ok(ended.await.is_ok())
}

/// What was acknowledged and is missing, offers without metadata, and counts that differ.
async fn half(place: &Place, stores: &Stores, told: &Told) -> anyhow::Result<Vec<String>> {
    let offers = all_offers(stores).await?;
    let metadata = all_metadata(stores).await?;
    let mut wrong = Vec::new();
    for id in told.metadata.difference(&metadata) {
        wrong.push(format!("metadata {id} was acknowledged and is lost"));
    }
    for id in told.offers.iter().filter(|id| !offers.contains_key(id)) {
        wrong.push(format!("offer {id} was acknowledged and is lost"));
    }
    for (id, found) in &offers {
        if *found != offer(*id, *id) {
            wrong.push(format!("offer {id} is not what was written"));
        }
        if !told.offers.contains(id) && !told.cancelled_offers.contains(id) {
            wrong.push(format!("offer {id} was never asked for"));
        }
    }
    for id in &metadata {
        if !told.metadata.contains(id) && !told.cancelled_metadata.contains(id) {
            wrong.push(format!("metadata {id} was never asked for"));
        }
    }
    for id in offers.keys().filter(|id| !metadata.contains(id)) {
        wrong.push(format!("offer {id} has no metadata"));
    }
    for (table, listed) in [("offers", offers.len()), ("offer_metadata", metadata.len())] {
        let rows = place
            .number(&format!("SELECT count(*) FROM {table}"))
            .await?;
        if rows != listed as u64 {
            wrong.push(format!("{rows} rows of {table}, and {listed} listed"));
        }
    }
    Ok(wrong)
}
