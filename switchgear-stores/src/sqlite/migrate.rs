use std::{
    collections::BTreeSet,
    error::Error,
    thread,
    time::{Duration, Instant},
};

use diesel::{
    QueryResult, RunQueryDsl as _, SqliteConnection,
    dsl::sql,
    migration::{Migration, MigrationSource as _},
    sql_types::{BigInt, Text},
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use switchgear_core::store::{StoreError, StoreErrorKind};

use super::database::Database;
use crate::sql::tell_migrated;

/// Embedded in the program, so that it brings its tables along.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// How long to try for the write-ahead log: SQLite does not wait for that lock by itself.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// Switches the write-ahead log on and runs the migrations that are missing. Blocks.
///
/// A database that is up to date is only read, so that it may be opened for reading alone. Two
/// processes that start at once on a new file take turns: the second finds nothing left to do.
pub(super) fn bring_up_to_date(
    connection: &mut SqliteConnection,
    database: &Database,
) -> Result<(), StoreError> {
    let failed = |error: Box<dyn Error + Send + Sync>| {
        let kind = if error.to_string().contains("is locked") {
            StoreErrorKind::Timeout
        } else {
            StoreErrorKind::Unavailable
        };
        let message = format!(
            "cannot prepare the database {database}: it must be a SQLite database that this user \
             may write, on a disk with room, and not locked by another process"
        );
        StoreError::new(kind, message).with_source(error)
    };
    if matches!(database, Database::File { .. }) {
        use_write_ahead_log(connection).map_err(|error| failed(error.into()))?;
    }
    match state(connection).map_err(failed)? {
        State::UpToDate => return Ok(()),
        State::Newer => return Err(newer(database)),
        State::Behind => {}
    }
    let (found, ran) = migrate_under_lock(connection).map_err(|fault| failed(fault.into()))?;
    match found {
        State::Newer => return Err(newer(database)),
        State::Behind => tell_migrated(ran),
        State::UpToDate => {}
    }
    Ok(())
}

/// Who had the lock before may have migrated, and be of a newer version. Gives what was found, and
/// how many migrations ran.
fn migrate_under_lock(connection: &mut SqliteConnection) -> Result<(State, usize), MigrationFault> {
    connection.immediate_transaction(|connection| {
        let found = state(connection).map_err(MigrationFault::Migration)?;
        if !matches!(found, State::Behind) {
            return Ok((found, 0));
        }
        let ran = connection
            .run_pending_migrations(MIGRATIONS)
            .map_err(MigrationFault::Migration)?;
        Ok((found, ran.len()))
    })
}

fn use_write_ahead_log(connection: &mut SqliteConnection) -> QueryResult<()> {
    let deadline = Instant::now() + LOG_TIMEOUT;
    loop {
        match try_write_ahead_log(connection) {
            Err(error) if error.to_string().contains("is locked") && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(10));
            }
            outcome => return outcome,
        }
    }
}

fn try_write_ahead_log(connection: &mut SqliteConnection) -> QueryResult<()> {
    let mode: String = sql::<Text>("PRAGMA journal_mode").get_result(connection)?;
    if mode != "wal" {
        sql::<Text>("PRAGMA journal_mode = WAL").get_result::<String>(connection)?;
    }
    Ok(())
}

/// How the database's tables stand to this program.
#[derive(Debug, Clone, Copy)]
enum State {
    Behind,
    UpToDate,
    /// It has migrations that this program does not know.
    Newer,
}

/// Looks before it asks diesel, which would create its table only to look into it.
fn state(connection: &mut SqliteConnection) -> Result<State, Box<dyn Error + Send + Sync>> {
    let known: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations()?;
    let known: BTreeSet<String> = known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied = applied(connection)?;
    Ok(if applied == known {
        State::UpToDate
    } else if applied.is_subset(&known) {
        State::Behind
    } else {
        State::Newer
    })
}

fn applied(connection: &mut SqliteConnection) -> QueryResult<BTreeSet<String>> {
    let tables: i64 = sql::<BigInt>(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '__diesel_schema_migrations'",
    )
    .get_result(connection)?;
    if tables == 0 {
        return Ok(BTreeSet::new());
    }
    let applied: Vec<String> =
        sql::<Text>("SELECT version FROM __diesel_schema_migrations").load(connection)?;
    Ok(applied.into_iter().collect())
}

fn newer(database: &Database) -> StoreError {
    let message = format!(
        "the database {database} was made by a newer version of this program: use that one, or a \
         backup from before"
    );
    StoreError::new(StoreErrorKind::Unavailable, message)
}

/// What ends the transaction: a migration's error has a type of its own.
#[derive(Debug)]
enum MigrationFault {
    Migration(Box<dyn Error + Send + Sync>),
    Sql(diesel::result::Error),
}

impl From<diesel::result::Error> for MigrationFault {
    fn from(error: diesel::result::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<MigrationFault> for Box<dyn Error + Send + Sync> {
    fn from(fault: MigrationFault) -> Self {
        match fault {
            MigrationFault::Migration(error) => error,
            MigrationFault::Sql(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::{Connection as _, connection::SimpleConnection as _};

    use super::*;

    #[test]
    fn leaves_alone_what_a_newer_version_made_before_the_lock_was_free() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection
            .batch_execute(
                "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL);
                 INSERT INTO __diesel_schema_migrations VALUES ('9999');",
            )
            .unwrap();
        let found = migrate_under_lock(&mut connection).unwrap();
        assert!(matches!(found, (State::Newer, 0)), "{found:?}");
        assert_eq!(applied(&mut connection).unwrap().len(), 1);
    }
}
