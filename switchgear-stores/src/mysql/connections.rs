use std::{fmt, sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult, result::Error as SqlError};
use diesel_async::AsyncMysqlConnection;
use switchgear_core::store::StoreError;

use super::{connector::Connector, migrate, pool::ConnectionPool, transaction::transaction};
use crate::sql::{Notice, Work, detached};

pub(super) type Connection = AsyncMysqlConnection;

/// Whether a transaction is of no more use once one of its statements was refused.
pub(super) const REFUSAL_ENDS_TRANSACTION: bool = false;

/// How long a read may take, the wait for a connection included.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a write may take, with its wait for locks and its repetitions.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the tables may take to be migrated.
const MIGRATE_TIMEOUT: Duration = Duration::from_secs(600);

/// The connections to one database.
///
/// All work runs on tasks of its own. A caller that hangs up cannot cancel a write midway, and
/// cannot leave a connection behind with a query still running in it.
#[derive(Clone)]
pub(super) struct Connections(ConnectionPool);

impl Connections {
    /// Connects once and migrates the database, so that a bad address is seen at once.
    pub(super) async fn open(
        connector: Connector,
        max_connections: usize,
    ) -> Result<Self, StoreError> {
        Self::migrate(&connector).await?;
        let connector = Arc::new(connector);
        let pool = ConnectionPool::try_new(max_connections, move || pooled(Arc::clone(&connector)));
        pool.map(Self)
    }

    pub(super) async fn migrate(connector: &Connector) -> Result<(), StoreError> {
        let connector = connector.clone();
        detached(MIGRATE_TIMEOUT, async move {
            migrate::bring_up_to_date(connector.connect().await?).await
        })
        .await
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

/// The pool hands on an error's words, by which [`FAILURES`](super::failures::FAILURES) knows what
/// connecting has met.
async fn pooled(connector: Arc<Connector>) -> ConnectionResult<Connection> {
    let connected = connector.connect().await;
    connected.map_err(|error| {
        ConnectionError::CouldntSetupConfiguration(SqlError::QueryBuilderError(Box::new(error)))
    })
}
