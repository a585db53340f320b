use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use diesel::{ConnectionResult, SqliteConnection};
use diesel_async::{
    AsyncConnection as _, SimpleAsyncConnection as _,
    sync_connection_wrapper::SyncConnectionWrapper,
};
use switchgear_core::store::StoreError;

use super::{
    batch::Write, database::Database, failures::FAILURES, migrate, opened_file::OpenedFile,
    pool::ConnectionPool, queue::Queue,
};
use crate::sql::{Fault, Work, detached};

pub(super) type Connection = SyncConnectionWrapper<SqliteConnection>;

/// Whether a transaction is of no more use once one of its statements was refused.
pub(super) const REFUSAL_ENDS_TRANSACTION: bool = false;

/// How long SQLite waits for another process's lock, in milliseconds.
const BUSY_TIMEOUT: u32 = 5_000;

/// How long a request may take, the wait for a connection and for locks included.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the database may take to be opened and migrated.
const OPEN_TIMEOUT: Duration = Duration::from_secs(600);

/// The connections of one database: one that writes, and those that read.
///
/// All work runs on tasks of its own. A caller that hangs up cannot cancel a write midway, and
/// cannot leave a connection behind with a query still running in it.
#[derive(Clone)]
pub(super) struct Connections {
    writer: ConnectionPool,
    readers: ConnectionPool,
    queue: Queue,
}

impl Connections {
    /// Opens and migrates the database. In memory the one connection is the database, so it serves
    /// the readers too.
    pub(super) async fn open(
        database: &Database,
        max_connections: usize,
    ) -> Result<Self, StoreError> {
        let writer = pool(database, Role::Writer, 1)?;
        let readers = match (database, max_connections) {
            (Database::Memory, _) | (_, 0 | 1) => writer.clone(),
            (Database::File { .. }, _) => pool(database, Role::Reader, max_connections - 1)?,
        };
        let file = detached(OPEN_TIMEOUT, migrated(database.clone(), writer.clone())).await?;
        Ok(Self {
            writer,
            readers,
            queue: Queue::new(file),
        })
    }

    pub(super) async fn read<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync + 'static,
    {
        let readers = self.readers.clone();
        detached(TOTAL_TIMEOUT, async move { readers.read(work).await }).await
    }

    pub(super) async fn write<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync + 'static,
    {
        self.write_then(work, || {}).await
    }

    /// Runs `work` in one transaction, and `committed` once it holds, even if nobody waits any more.
    /// Writes that wait at the same time share a commit.
    pub(super) async fn write_then<R, F>(
        &self,
        work: F,
        committed: impl FnOnce() + Send + 'static,
    ) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync + 'static,
    {
        let (write, answer) = Write::new(work, committed);
        let place = self.queue.push(Box::new(write));
        let writer = self.writer.clone();
        detached(TOTAL_TIMEOUT, async move {
            place.answered(&writer, answer).await
        })
        .await
    }
}

#[cfg(test)]
impl Connections {
    /// Runs SQL on the connection that writes.
    pub(super) async fn on_writer(&self, sql: &str) {
        let mut connection = self.writer.checkout().await.expect("a connection");
        connection.batch_execute(sql).await.expect(sql);
        connection.give_back();
    }

    /// Puts a connection in the writer's place that SQLite opened for reading alone, as it does by
    /// itself where the file's mode allows no more.
    pub(super) async fn with_writer_that_only_reads(&self, file: &std::path::Path) {
        let uri = format!("file:{}?mode=ro", file.display());
        let mut connection = self.writer.checkout().await.expect("a connection");
        *connection = establish(uri, Role::Writer).await.expect("a file to read");
        connection.give_back();
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Writer,
    Reader,
}

impl Role {
    /// `foreign_keys` and `synchronous` hold per connection, not per file.
    fn settings(self) -> String {
        let own = match self {
            Self::Writer => "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;",
            Self::Reader => "PRAGMA query_only = ON;",
        };
        format!("PRAGMA busy_timeout = {BUSY_TIMEOUT}; {own}")
    }
}

fn pool(database: &Database, role: Role, size: usize) -> Result<ConnectionPool, StoreError> {
    let (first, later) = (database.uri().to_owned(), database.existing_uri());
    // The writer comes before the readers, and only the first connection may create the file.
    let is_opened = AtomicBool::new(matches!(role, Role::Reader));
    ConnectionPool::try_new(size, move || {
        let uri = match is_opened.swap(true, Ordering::Relaxed) {
            false => &first,
            true => &later,
        };
        establish(uri.clone(), role)
    })
}

async fn establish(uri: String, role: Role) -> ConnectionResult<Connection> {
    let mut connection = Connection::establish(&uri).await?;
    connection
        .batch_execute(&role.settings())
        .await
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

async fn migrated(database: Database, writer: ConnectionPool) -> Result<OpenedFile, StoreError> {
    let mut connection = writer.checkout().await.map_err(|error| {
        let message = format!(
            "cannot open the database {database}: it must be a SQLite database that this user may read and write"
        );
        StoreError::new(error.kind(), message).with_source(error)
    })?;
    let outcome = connection
        .spawn_blocking(move |connection| {
            let migrated = migrate::bring_up_to_date(connection, &database);
            Ok(migrated.map(|()| OpenedFile::of(&database)))
        })
        .await;
    connection.give_back();
    outcome.map_err(|error| Fault::from(error).explained(FAILURES))?
}
