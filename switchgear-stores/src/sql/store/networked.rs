//! Work on the connections over a network, compiled for one database: `sql/mod.rs` says why.

use std::{fmt, time::Duration};

use switchgear_core::store::StoreError;

use super::{connections::Connection, pool::ConnectionPool, transaction::transaction};
use crate::sql::{Notice, Work, detached};

/// How long a request may take that only reads, the wait for a connection included.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one that writes may take, the wait for locks and its repetitions included. The server
/// gives up on a statement before that, by the settings of its session.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The connections of one database.
///
/// All work runs on tasks of its own. A caller that hangs up cannot cancel a write midway, and
/// cannot leave a connection behind with a query still running in it.
#[derive(Clone)]
pub(super) struct Connections(ConnectionPool);

impl Connections {
    pub(super) fn of(pool: ConnectionPool) -> Self {
        Self(pool)
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
