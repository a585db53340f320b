use std::{error::Error, sync::Arc};

use diesel::{
    ConnectionError,
    dsl::sql,
    migration::{Migration, MigrationSource as _, MigrationVersion},
    pg::Pg,
    sql_types::{Nullable, Text},
};
use diesel_async::{
    RunQueryDsl as _, SimpleAsyncConnection as _, async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::task::spawn_blocking;

use super::{
    connections::Connection,
    database::Database,
    establish::establish,
    failures::{FAILURES, NO_RIGHT_TO_CREATE},
};
use crate::sql::{Failure, Fault, tell_migrated};

/// Embedded in the program, so that it brings its tables along.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// One instance migrates while the others wait. The number is this program's own choice: PostgreSQL
/// gives advisory locks no other meaning, and keeps those of each database apart. The lock ends with
/// its connection.
const TAKE_LOCK: &str = "
    SET statement_timeout = 0;
    SET lock_timeout = 0;
    SELECT pg_advisory_lock(8318825593419555175);
";

/// Runs the migrations that are missing.
///
/// A database that is up to date is only read, so that its user needs no right to create tables.
pub(super) async fn bring_up_to_date(database: Arc<Database>) -> Result<(), StoreError> {
    let patience = database.connect_timeout_of_all();
    let mut connection = establish(database, patience).await.map_err(unreachable)?;
    if is_up_to_date(&mut connection).await? {
        return Ok(());
    }
    connection
        .batch_execute(TAKE_LOCK)
        .await
        .map_err(|error| failed(Box::new(error)))?;
    // Who had the lock before may have migrated, and be of a newer version.
    if is_up_to_date(&mut connection).await? {
        return Ok(());
    }
    // The harness waits for each statement on the thread that it is called on.
    let run = move || {
        let mut connection = AsyncConnectionWrapper::<Connection>::from(connection);
        let ran = connection.run_pending_migrations(MIGRATIONS)?;
        Ok(ran.len())
    };
    match spawn_blocking(run).await {
        Ok(outcome) => outcome.map(tell_migrated).map_err(failed),
        Err(error) => Err(failed(Box::new(error))),
    }
}

/// Looks before it asks diesel, which would create its table only to look into it.
async fn is_up_to_date(connection: &mut Connection) -> Result<bool, StoreError> {
    let applied = applied(connection)
        .await
        .map_err(|fault| fault.explained(FAILURES))?;
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(failed)?;
    let known: Vec<_> = migrations
        .iter()
        .map(|migration| migration.name().version())
        .collect();
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "the database's tables are of a newer version of this program: run that version",
        ));
    }
    Ok(known.iter().all(|version| applied.contains(version)))
}

/// The versions of the migrations that the database has had.
async fn applied(connection: &mut Connection) -> Result<Vec<MigrationVersion<'static>>, Fault> {
    let table: Option<String> = diesel::select(sql::<Nullable<Text>>(
        "to_regclass('__diesel_schema_migrations')::text",
    ))
    .get_result(connection)
    .await?;
    if table.is_none() {
        return Ok(Vec::new());
    }
    let versions: Vec<String> =
        diesel::select(sql::<Text>("version FROM __diesel_schema_migrations"))
            .load(connection)
            .await?;
    Ok(versions.into_iter().map(MigrationVersion::from).collect())
}

fn unreachable(error: ConnectionError) -> StoreError {
    let failure = match FAILURES.of_words(&error.to_string()) {
        Failure::UNKNOWN => Failure::UNREACHABLE,
        failure => failure,
    };
    StoreError::new(failure.kind, failure.message).with_source(error)
}

fn failed(error: Box<dyn Error + Send + Sync>) -> StoreError {
    let words = error.to_string();
    let failure = match FAILURES.of_words(&words) {
        Failure::DENIED if words.contains("permission denied for schema") => NO_RIGHT_TO_CREATE,
        failure => failure,
    };
    StoreError::new(failure.kind, failure.message).with_source(error)
}
