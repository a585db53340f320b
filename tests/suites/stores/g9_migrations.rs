//! G9: the tables are brought up to date at a start, by one of those who start at once; and apart from it.

use std::time::Duration;

use futures::future::{join, join_all, try_join_all};
use switchgear_core::{ErrorChain, store::StoreErrorKind};
use switchgear_tests::DatabaseUser;
use tokio::time::Instant;

use crate::{
    conformance::conforms,
    migration_lock::MigrationLock,
    place::{Place, Sql, migrate, open},
    row::Row,
    scale::fill,
    site::Site,
    size::size,
};

/// How long a start may take, migrations included.
const START: Duration = Duration::from_secs(60);

const ALL: [Sql; 3] = [Sql::Sqlite, Sql::Postgres, Sql::MariaDb];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_of_several_instances_that_start_at_once_one_migrates() -> anyhow::Result<()> {
    const INSTANCES: usize = 4;

    for sql in ALL {
        // The race is another each time.
        let races = size(3, 20);
        let mut started = Started::default();
        for _ in 0..races {
            let Some(place) = sql.place().await? else {
                break;
            };
            started.at_once(&place, INSTANCES).await?;
        }
        if started.is_untried() {
            continue;
        }
        let what = format!("{INSTANCES} start at once on an empty {}", sql.name());
        started.judge(Row::new("stores", "G9", what)).finish()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_two_instances_that_start_at_once_lose_no_row() -> anyhow::Result<()> {
    for sql in ALL {
        let Some(place) = sql.place().await? else {
            continue;
        };
        migrate(&place.url()).await?;
        let rows = size(1_000, 100_000);
        fill(&place, sql, rows).await?;
        let mut started = Started::default();
        started.at_once(&place, 2).await?;
        let what = format!("two start at once on {rows} rows in {}", sql.name());
        let mut row = started.judge(Row::new("stores", "G9", what));
        for (table, rows) in [("offers", rows), ("offer_metadata", 1)] {
            let left = place
                .number(&format!("SELECT count(*) FROM {table}"))
                .await?;
            row.must(format!("{rows} rows of {table}"), left == rows);
        }
        row.finish()?;
    }
    Ok(())
}

/// Of processes, since the log of each tells what it ran.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_of_several_processes_that_start_at_once_one_runs_each_migration() -> anyhow::Result<()>
{
    const PROCESSES: usize = 3;

    for sql in ALL {
        let Some(place) = sql.place().await? else {
            continue;
        };
        let url = place.url();
        let sites = try_join_all((0..PROCESSES).map(|_| Site::start(&url))).await?;
        let mut ran = Vec::new();
        for site in &sites {
            ran.extend(site.migrations()?);
        }
        let applied = place
            .number("SELECT count(*) FROM __diesel_schema_migrations")
            .await?;
        let what = format!(
            "{PROCESSES} processes start at once on an empty {}",
            sql.name()
        );
        let mut row = Row::new("stores", "G9", what);
        row.figure(format!(
            "{applied} migrations, run by {} of them",
            ran.len()
        ));
        row.must("one migrates", ran.len() == 1);
        row.must(
            "each migration ran once",
            ran.iter().sum::<u64>() == applied,
        );
        row.must("there are tables", applied > 0);
        row.finish()?;
    }
    Ok(())
}

/// Who holds the lock stands for an instance that migrates: the others do nothing until it has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_instances_wait_for_the_one_that_migrates() -> anyhow::Result<()> {
    const INSTANCES: usize = 4;

    for sql in ALL {
        let Some(place) = sql.place().await? else {
            continue;
        };
        let lock = MigrationLock::take(&place).await?;
        let mut started = Started::default();
        let release = async {
            lock.wait_for(INSTANCES).await?;
            lock.release(&place).await
        };
        let (released, opened) = join(release, started.at_once(&place, INSTANCES)).await;
        released?;
        opened?;
        let what = format!("{INSTANCES} wait for another that migrates {}", sql.name());
        started.judge(Row::new("stores", "G9", what)).finish()?;
    }
    Ok(())
}

/// What came of instances that started at once.
#[derive(Debug, Default)]
struct Started {
    served: usize,
    slowest: Duration,
    failures: Vec<String>,
}

impl Started {
    async fn at_once(&mut self, place: &Place, instances: usize) -> anyhow::Result<()> {
        let start = Instant::now();
        let opened = join_all((0..instances).map(|_| {
            let url = place.url();
            tokio::spawn(async move { open(&url, 2).await })
        }))
        .await;
        self.slowest = self.slowest.max(start.elapsed());
        for stores in opened {
            match stores? {
                Ok(stores) => {
                    stores.backends.snapshot(None).await?;
                    self.served += 1;
                }
                Err(error) => self.failures.push(ErrorChain(&error).to_string()),
            }
        }
        Ok(())
    }

    /// Whether this machine lacks the database.
    fn is_untried(&self) -> bool {
        self.served == 0 && self.failures.is_empty()
    }

    fn judge(&self, mut row: Row) -> Row {
        let (served, slowest) = (self.served, self.slowest);
        row.figure(format!("{served} started, after {slowest:.1?} at most"));
        row.must_for_all("all start", &self.failures);
        row.must("within 60 s", slowest <= START);
        row
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_a_user_without_ddl_rights_is_enough_once_the_tables_stand() -> anyhow::Result<()> {
    for sql in [Sql::Postgres, Sql::MariaDb] {
        let Some(place) = sql.place().await? else {
            continue;
        };
        let least = place.database()?.url(DatabaseUser::Least);
        let error = open(&least, 2).await.expect_err("there are no tables yet");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        let words = error.to_string();
        assert!(
            words.contains("migrat"),
            "it does not say what to do: {words}"
        );

        migrate(&place.url()).await?;
        // Once more: there is nothing left to do.
        migrate(&place.url()).await?;
        conforms(&open(&least, 5).await?).await;
        // Who may do nothing about it may still look whether there is something to do.
        migrate(&least).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_a_newer_schema_is_refused_and_left_alone() -> anyhow::Result<()> {
    for sql in ALL {
        let Some(place) = sql.place().await? else {
            continue;
        };
        migrate(&place.url()).await?;
        place
            .sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999');")
            .await?;
        for refused in [
            open(&place.url(), 2).await.map(drop),
            migrate(&place.url()).await,
        ] {
            let error = refused.expect_err("the schema is newer than the program");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
            let words = error.to_string();
            assert!(words.contains("newer"), "{}: {words}", sql.name());
        }
        let rows = place
            .number("SELECT count(*) FROM __diesel_schema_migrations")
            .await?;
        assert!(rows >= 2, "the newer schema's mark was taken away");
    }
    Ok(())
}
