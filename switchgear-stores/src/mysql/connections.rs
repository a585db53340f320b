use std::{sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult, result::Error as SqlError};
use diesel_async::AsyncMysqlConnection;
use switchgear_core::store::StoreError;

pub(super) use super::networked::Connections;
use super::{connector::Connector, migrate, pool::ConnectionPool};
use crate::sql::detached;

pub(super) type Connection = AsyncMysqlConnection;

/// Whether a transaction is of no more use once one of its statements was refused.
pub(super) const REFUSAL_ENDS_TRANSACTION: bool = false;

/// How long the tables may take to be migrated.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

impl Connections {
    /// Connects once and migrates the database, so that a bad address is seen at once.
    pub(super) async fn open(
        connector: Connector,
        max_connections: usize,
    ) -> Result<Self, StoreError> {
        Self::migrate(&connector).await?;
        let connector = Arc::new(connector);
        let connect = move || pooled(Arc::clone(&connector));
        ConnectionPool::try_new(max_connections, connect).map(Self::of)
    }

    pub(super) async fn migrate(connector: &Connector) -> Result<(), StoreError> {
        let connector = connector.clone();
        detached(MIGRATION_TIMEOUT, async move {
            migrate::bring_up_to_date(connector.connect().await?).await
        })
        .await
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
