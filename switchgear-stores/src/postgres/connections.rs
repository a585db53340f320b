use std::{fmt, sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use switchgear_core::store::StoreError;

use super::{
    database::Database, establish::establish, migrate, pool::ConnectionPool,
    transaction::transaction,
};
use crate::sql::{Notice, Work, detached};

pub(super) type Connection = AsyncPgConnection;

/// Whether a transaction is of no more use once one of its statements was refused.
pub(super) const REFUSAL_ENDS_TRANSACTION: bool = true;

/// How long a request may take that only reads, the wait for a connection included.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one that writes may take, the wait for locks and its repetitions included. The server
/// gives up on a statement before that, by the settings of its session.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the database may take to be migrated.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// The connections of one database.
///
/// All work runs on tasks of its own. A caller that hangs up cannot cancel a write midway, and
/// cannot leave a connection behind with a query still running in it.
#[derive(Clone)]
pub(super) struct Connections(ConnectionPool);

impl Connections {
    /// Brings the database's tables up to date, on a connection of its own.
    pub(super) async fn migrate(database: Arc<Database>) -> Result<(), StoreError> {
        detached(MIGRATION_TIMEOUT, migrate::bring_up_to_date(database)).await
    }

    /// Migrates the database, and connects to it when there is work.
    pub(super) async fn open(
        database: Arc<Database>,
        max_connections: usize,
    ) -> Result<Self, StoreError> {
        Self::migrate(Arc::clone(&database)).await?;
        let connect = move || establish(Arc::clone(&database));
        ConnectionPool::try_new(max_connections, connect).map(Self)
    }

    pub(super) async fn read<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync + 'static,
    {
        let pool = self.0.clone();
        detached(READ_TIMEOUT, async move { pool.read(work).await }).await
    }

    pub(super) async fn write<R, F>(&self, work: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync + 'static,
    {
        self.write_then(work, || {}).await
    }

    /// Runs `work` in one transaction, and `committed` once it holds or may hold, even if nobody
    /// waits any more.
    pub(super) async fn write_then<R, F>(
        &self,
        work: F,
        committed: impl FnOnce() + Send + 'static,
    ) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync + 'static,
    {
        let pool = self.0.clone();
        let notice = Notice::new(committed);
        detached(WRITE_TIMEOUT, async move {
            transaction(&pool, work, notice).await
        })
        .await
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
