use std::{collections::BTreeSet, error::Error};

use diesel::{
    OptionalExtension as _, QueryResult,
    dsl::sql,
    migration::{Migration, MigrationSource as _},
    mysql::Mysql,
    sql_types::{Integer, Nullable, Text},
};
use diesel_async::{
    AsyncMysqlConnection, RunQueryDsl as _, async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::task::spawn_blocking;

use super::failures::FAILURES;
use crate::sql::{Fault, tell_migrated};

/// Embedded in the program, so that it brings its tables along.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/mysql");

/// Who migrates holds this lock, which the server keeps per name and not per database. The name's
/// tail is the database's, shortened: 64 letters are the most.
const TAKE_LOCK: &str =
    "SELECT GET_LOCK(CONCAT('switchgear-migrate-', LEFT(SHA1(DATABASE()), 16)), 60)";

/// Runs the migrations that are missing, and ends the connection.
///
/// A database that is up to date is only read, so that its user needs no more rights than to use it.
/// Two processes that start at once take turns: the second finds nothing left to do.
pub(super) async fn bring_up_to_date(
    mut connection: AsyncMysqlConnection,
) -> Result<(), StoreError> {
    if !is_behind(&mut connection).await? {
        return Ok(());
    }
    take_lock(&mut connection).await?;
    if !is_behind(&mut connection).await? {
        return Ok(());
    }
    // The lock goes with the connection.
    let outcome = spawn_blocking(move || run(connection)).await;
    outcome
        .map_err(Into::into)
        .and_then(|outcome| outcome)
        .map(tell_migrated)
        .map_err(failed)
}

/// Whether migrations are missing.
///
/// # Errors
/// When the database has one that this program does not know.
async fn is_behind(connection: &mut AsyncMysqlConnection) -> Result<bool, StoreError> {
    let applied = applied(connection)
        .await
        .map_err(|error| Fault::from(error).explained(FAILURES))?;
    let known = known().map_err(failed)?;
    if applied.is_subset(&known) {
        return Ok(applied != known);
    }
    let message = "the database was made by a newer version of this program: use that one, or a \
                   backup from before";
    Err(StoreError::new(StoreErrorKind::Unavailable, message))
}

/// Looks before it asks diesel, which would create its table only to look into it.
async fn applied(connection: &mut AsyncMysqlConnection) -> QueryResult<BTreeSet<String>> {
    let table: Option<String> = sql::<Text>(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
         AND table_name = '__diesel_schema_migrations'",
    )
    .get_result(connection)
    .await
    .optional()?;
    if table.is_none() {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<String> = sql::<Text>("SELECT version FROM __diesel_schema_migrations")
        .load(connection)
        .await?;
    Ok(versions.into_iter().collect())
}

fn known() -> Result<BTreeSet<String>, Box<dyn Error + Send + Sync>> {
    let known: Vec<Box<dyn Migration<Mysql>>> = MIGRATIONS.migrations()?;
    let versions = known.iter();
    Ok(versions
        .map(|migration| migration.name().version().to_string())
        .collect())
}

async fn take_lock(connection: &mut AsyncMysqlConnection) -> Result<(), StoreError> {
    let taken: Option<i32> = sql::<Nullable<Integer>>(TAKE_LOCK)
        .get_result(connection)
        .await
        .map_err(|error| Fault::from(error).explained(FAILURES))?;
    if taken == Some(1) {
        return Ok(());
    }
    let message = "another process has been migrating the database for a minute: wait for its end";
    Err(StoreError::new(StoreErrorKind::Timeout, message))
}

/// Gives how many migrations ran.
fn run(connection: AsyncMysqlConnection) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let mut connection = AsyncConnectionWrapper::<_>::from(connection);
    let ran = connection.run_pending_migrations(MIGRATIONS)?;
    Ok(ran.len())
}

fn failed(error: Box<dyn Error + Send + Sync>) -> StoreError {
    let message = "cannot prepare the database: its tables must be made by a user who may create \
                   tables; `swgr store migrate` does it apart from the service";
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(error)
}
