use std::{fmt, pin::Pin, time::Duration};

use diesel::{ConnectionResult, SqliteConnection};
use diesel_async::{
    AsyncConnection as _, SimpleAsyncConnection as _,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolError as ManagerError,
        deadpool::{Object, Pool, PoolError},
    },
    sync_connection_wrapper::SyncConnectionWrapper,
};
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::time::timeout;

use super::{database::Database, migrate};
use crate::sql::Fault;

pub(super) type Connection = SyncConnectionWrapper<SqliteConnection>;

/// Work on a borrowed connection.
pub(super) type Work<'c, R> = Pin<Box<dyn Future<Output = Result<R, Fault>> + Send + 'c>>;

/// How long SQLite waits for another process's lock, in milliseconds.
const BUSY_TIMEOUT: u32 = 5_000;

/// How long a request waits for a connection that others use.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections of one database: one that writes, and those that read.
///
/// All work runs on tasks of its own. A caller that hangs up cannot cancel a write midway, and
/// cannot leave a connection behind with a query still running in it.
#[derive(Clone)]
pub(super) struct Connections {
    writer: Pool<Connection>,
    readers: Pool<Connection>,
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
        detached(migrated(database.clone(), writer.clone())).await?;
        Ok(Self { writer, readers })
    }

    pub(super) async fn read<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, R> + Send + 'static,
    {
        let readers = self.readers.clone();
        detached(async move {
            let mut connection = checkout(&readers).await?;
            Ok(work(&mut connection).await?)
        })
        .await
    }

    pub(super) async fn write<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, R> + Send + 'static,
    {
        self.write_then(work, || {}).await
    }

    /// Runs `work` in one transaction, and `committed` once it holds, even if nobody waits any more.
    ///
    /// `BEGIN IMMEDIATE` takes the write lock before the first read: a transaction that reads first
    /// and then writes would fail at once, without any wait, had another process written meanwhile.
    pub(super) async fn write_then<R, F>(
        &self,
        work: F,
        committed: impl FnOnce() + Send + 'static,
    ) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, R> + Send + 'static,
    {
        let writer = self.writer.clone();
        detached(async move {
            let mut connection = checkout(&writer).await?;
            let result = connection
                .immediate_transaction(async move |connection| work(connection).await)
                .await?;
            committed();
            Ok(result)
        })
        .await
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

fn pool(database: &Database, role: Role, size: usize) -> Result<Pool<Connection>, StoreError> {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(move |uri| {
        let uri = uri.to_owned();
        Box::pin(async move { establish(&uri, role).await })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(database.uri(), config);
    Pool::builder(manager)
        .max_size(size)
        .build()
        .map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, "no connections can be made")
                .with_source(error)
        })
}

async fn establish(uri: &str, role: Role) -> ConnectionResult<Connection> {
    let mut connection = Connection::establish(uri).await?;
    connection
        .batch_execute(&role.settings())
        .await
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

async fn migrated(database: Database, writer: Pool<Connection>) -> Result<(), StoreError> {
    let mut connection = checkout(&writer).await.map_err(|error| {
        let message = format!(
            "cannot open the database {database}: it must be a SQLite database that this user may read and write"
        );
        StoreError::new(error.kind(), message).with_source(error)
    })?;
    connection
        .spawn_blocking(move |connection| Ok(migrate::bring_up_to_date(connection, &database)))
        .await
        .map_err(Fault::from)?
}

async fn checkout(pool: &Pool<Connection>) -> Result<Object<Connection>, StoreError> {
    match timeout(CHECKOUT_TIMEOUT, pool.get()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(PoolError::Backend(ManagerError::QueryError(error)))) => {
            Err(Fault::from(error).into())
        }
        Ok(Err(error)) => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "the database cannot be opened",
        )
        .with_source(error)),
        Err(_) => Err(StoreError::new(
            StoreErrorKind::Timeout,
            "all connections to the database stayed busy",
        )),
    }
}

async fn detached<R: Send + 'static>(
    work: impl Future<Output = Result<R, StoreError>> + Send + 'static,
) -> Result<R, StoreError> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        let message = "work on the database did not come to its end";
        Err(StoreError::new(StoreErrorKind::Unavailable, message).with_source(error))
    })
}
