use std::{sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use switchgear_core::store::StoreError;

pub(super) use super::networked::Connections;
use super::{database::Database, establish::establish, migrate, pool::ConnectionPool};
use crate::sql::detached;

pub(super) type Connection = AsyncPgConnection;

/// Whether a transaction is of no more use once one of its statements was refused.
pub(super) const REFUSAL_ENDS_TRANSACTION: bool = true;

/// How long a new connection may take while a request waits for it, all hosts together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(7);

/// How long the database may take to be migrated.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

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
        let connect = move || establish(Arc::clone(&database), CONNECT_TIMEOUT);
        ConnectionPool::try_new(max_connections, connect).map(Self::of)
    }
}
