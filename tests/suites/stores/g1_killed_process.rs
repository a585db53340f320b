//! G1: a process is killed at random moments under 200 writes a second; what it acknowledged is there.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_tests::{ServerOptions, eventually};
use tokio::time::{Instant, sleep_until};

use crate::{
    load::Ledger,
    place::{Place, Sql},
    row::Row,
    site::Site,
    size::size,
    stores::Stores,
};

const WRITES_PER_SECOND: u32 = 200;

/// What must be enough to serve again.
const START: Duration = Duration::from_secs(5);

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_sqlite_keeps_what_a_killed_server_acknowledged() -> anyhow::Result<()> {
    server_is_killed(Sql::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_postgres_keeps_what_a_killed_server_acknowledged() -> anyhow::Result<()> {
    server_is_killed(Sql::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_mariadb_keeps_what_a_killed_server_acknowledged() -> anyhow::Result<()> {
    server_is_killed(Sql::MariaDb).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_a_killed_postgres_keeps_what_was_acknowledged() -> anyhow::Result<()> {
    database_is_killed(Sql::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_a_killed_mariadb_keeps_what_was_acknowledged() -> anyhow::Result<()> {
    database_is_killed(Sql::MariaDb).await
}

/// Or "0 panics" would say nothing about those that were killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panics_of_all_processes_of_a_site_are_counted() -> anyhow::Result<()> {
    let Some(place) = Sql::Sqlite.place().await? else {
        return Ok(());
    };
    let mut site = Site::start(&place.url()).await?;
    site.say_in_log("thread 'main' panicked at canary.rs:1:1")?;
    site.kill()?;
    site.restart().await?;
    assert_eq!(site.panics()?, 1);
    assert!(site.tells_secrets()?);
    Ok(())
}

async fn server_is_killed(sql: Sql) -> anyhow::Result<()> {
    let Some(place) = sql.own_place(ServerOptions::DURABLE).await? else {
        return Ok(());
    };
    let mut site = Site::start(&place.url()).await?;
    let mut moments = Moments::new();
    let ledger = Ledger::default();
    let mut slowest = Duration::ZERO;
    let kills = size(10, 300);
    for _ in 0..kills {
        let stores = site.stores.clone();
        under_load(&ledger, &stores, moments.next(), || site.kill()).await?;
        slowest = slowest.max(site.restart().await?);
    }
    let mut row = Row::new(
        "stores",
        "G1",
        format!("swgr over {} killed {kills} times", sql.name()),
    );
    row.must("0 panics", site.panics()? == 0);
    finish(row, &ledger, &place, slowest, &moments).await
}

async fn database_is_killed(sql: Sql) -> anyhow::Result<()> {
    let Some(place) = sql.own_place(ServerOptions::DURABLE).await? else {
        return Ok(());
    };
    let server = place.database()?.server();
    let site = Site::start(&place.url()).await?;
    let mut moments = Moments::new();
    let ledger = Ledger::default();
    let mut slowest = Duration::ZERO;
    let kills = size(5, 300);
    for _ in 0..kills {
        under_load(&ledger, &site.stores, moments.next(), || server.kill()).await?;
        server.start().await?;
        let back = Instant::now();
        eventually("a write", PATIENCE, async || {
            Ok(ledger.write(&site.stores).await.then_some(()))
        })
        .await?;
        slowest = slowest.max(back.elapsed());
    }
    let mut row = Row::new(
        "stores",
        "G1",
        format!("{} killed {kills} times below swgr", sql.name()),
    );
    row.must("0 panics", site.panics()? == 0);
    finish(row, &ledger, &place, slowest, &moments).await
}

/// Writes, and kills after `moment`.
async fn under_load(
    ledger: &Ledger,
    stores: &Stores,
    moment: Duration,
    kill: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    /// So that writes are on their way when it dies.
    const BEYOND: Duration = Duration::from_millis(20);

    let start = Instant::now();
    let script = async {
        sleep_until(start + moment).await;
        let killed = kill();
        sleep_until(start + moment + BEYOND).await;
        killed
    };
    ledger.write_while(stores, WRITES_PER_SECOND, script).await
}

async fn finish(
    mut row: Row,
    ledger: &Ledger,
    place: &Place,
    slowest: Duration,
    moments: &Moments,
) -> anyhow::Result<()> {
    row.figure(format!(
        "{} writes acknowledged, {} interrupted, back after {slowest:.1?} at most, seed {}",
        ledger.acknowledged(),
        ledger.refused(),
        moments.seed
    ));
    row.must("writes were interrupted", ledger.refused() > 0);
    let losses = ledger.losses(&place.open(5).await?).await?;
    row.must_for_all("all acknowledged rows are there, none is half", &losses);
    row.must("back within 5 s", slowest <= START);
    row.finish()
}

/// When to kill: `SWITCHGEAR_SEED` repeats those of an earlier run.
struct Moments {
    seed: u64,
    random: StdRng,
}

impl Moments {
    fn new() -> Self {
        let given = std::env::var("SWITCHGEAR_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(rand::random);
        Self {
            seed,
            random: StdRng::seed_from_u64(seed),
        }
    }

    fn next(&mut self) -> Duration {
        Duration::from_micros(self.random.random_range(50_000..700_000))
    }
}
