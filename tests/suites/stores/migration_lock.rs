use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::ensure;
use diesel::{SqliteConnection, connection::SimpleConnection as _};
use switchgear_tests::{Database, DatabaseKind, eventually};
use tokio::task::JoinHandle;

use crate::place::Place;

const PATIENCE: Duration = Duration::from_secs(30);

/// What an instance holds while it migrates, held by a test.
pub(crate) enum MigrationLock {
    /// The turn to write, and the file.
    File(Box<SqliteConnection>, PathBuf),
    /// The lock of that name, held by a client of its own.
    Server(Database, JoinHandle<anyhow::Result<String>>),
}

impl MigrationLock {
    /// Takes it on an empty database.
    pub(crate) async fn take(place: &Place) -> anyhow::Result<Self> {
        let Place::Server(database) = place else {
            let mut connection = place.sqlite()?;
            connection.batch_execute("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;")?;
            let url = place.url();
            let path = url.trim_start_matches("sqlite://").into();
            return Ok(Self::File(Box::new(connection), path));
        };
        let kind = database.server().kind();
        let hold = match kind {
            DatabaseKind::Postgres => {
                "SELECT pg_advisory_lock(8318825593419555175); SELECT pg_sleep(60);".to_owned()
            }
            DatabaseKind::MariaDb => {
                format!("SELECT GET_LOCK({MARIADB_LOCK}, 0); SELECT SLEEP(60);")
            }
        };
        let holder = database.clone();
        let holder = tokio::spawn(async move { holder.sql(&hold).await });
        let is_held = match kind {
            DatabaseKind::Postgres => {
                format!("SELECT count(*) FROM pg_locks WHERE granted AND {POSTGRES_LOCK};")
            }
            DatabaseKind::MariaDb => format!("SELECT IS_USED_LOCK({MARIADB_LOCK}) IS NOT NULL;"),
        };
        eventually("the migration lock", PATIENCE, async || {
            Ok((database.number(&is_held).await? == 1).then_some(()))
        })
        .await?;
        Ok(Self::Server(database.clone(), holder))
    }

    /// Waits until so many instances wait for it. SQLite tells of nobody who waits: then until they have
    /// opened the file.
    pub(crate) async fn wait_for(&self, instances: usize) -> anyhow::Result<()> {
        let database = match self {
            Self::Server(database, _) => database,
            Self::File(_, path) => {
                return eventually("instances that open the file", PATIENCE, async || {
                    // And the holder.
                    Ok((times_open(path)? > instances).then_some(()))
                })
                .await;
            }
        };
        let waiting = match database.server().kind() {
            DatabaseKind::Postgres => {
                format!("SELECT count(*) FROM pg_locks WHERE NOT granted AND {POSTGRES_LOCK};")
            }
            DatabaseKind::MariaDb => format!(
                "SELECT count(*) FROM information_schema.processlist \
                 WHERE db = '{}' AND state = 'User lock';",
                database.name()
            ),
        };
        eventually("instances that wait", PATIENCE, async || {
            Ok((database.number(&waiting).await? == instances as u64).then_some(()))
        })
        .await
    }

    /// Gives it back, after a look that nobody has made a table meanwhile.
    pub(crate) async fn release(self, place: &Place) -> anyhow::Result<()> {
        let tables = match &self {
            Self::File(..) => "SELECT count(*) FROM sqlite_master".to_owned(),
            Self::Server(database, _) => match database.server().kind() {
                DatabaseKind::Postgres => "SELECT count(*) FROM information_schema.tables \
                     WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
                    .to_owned(),
                DatabaseKind::MariaDb => format!(
                    "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{}'",
                    database.name()
                ),
            },
        };
        let tables = place.number(&tables).await?;
        ensure!(tables == 0, "somebody migrated without the lock");
        let (database, holder) = match self {
            Self::File(mut connection, _) => {
                return Ok(connection.batch_execute("COMMIT")?);
            }
            Self::Server(database, holder) => (database, holder),
        };
        let end = match database.server().kind() {
            DatabaseKind::Postgres => format!(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE granted AND {POSTGRES_LOCK};"
            ),
            DatabaseKind::MariaDb => {
                let holder = format!("SELECT IS_USED_LOCK({MARIADB_LOCK});");
                format!("KILL {};", database.number(&holder).await?)
            }
        };
        database.sql(&end).await?;
        ensure!(holder.await?.is_err(), "the lock's holder ended before");
        Ok(())
    }
}

/// How often this process has a file open.
fn times_open(file: &Path) -> anyhow::Result<usize> {
    let open = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|path| path == file);
    Ok(open.count())
}

/// The stores' own name for it.
const MARIADB_LOCK: &str = "CONCAT('switchgear-migrate-', LEFT(SHA1(DATABASE()), 16))";

/// The one advisory lock there is in a database.
const POSTGRES_LOCK: &str = "locktype = 'advisory' \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
