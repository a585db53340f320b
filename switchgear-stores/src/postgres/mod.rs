//! A store in PostgreSQL, 13 or later, through diesel and diesel-async over tokio-postgres.
//!
//! Several instances may share a database. Those that start at once on an empty one take turns: the
//! first creates the tables. Behind that a user is enough who may read and change them.
//!
//! The connection's URL takes libpq's options; TLS is rustls. A session's `synchronous_commit` is
//! switched on where it is off: what was acknowledged survives the server's crash.
//! A pooler between the two must keep a session together (PgBouncer's `session` mode): statements
//! are prepared, and settings are made, once for each connection.

mod config;
mod connections;
mod database;
#[path = "../sql/store/discovery.rs"]
mod discovery;
mod establish;
mod failures;
mod host;
#[path = "../sql/store/metadata.rs"]
mod metadata;
mod migrate;
#[path = "../sql/store/networked.rs"]
mod networked;
#[path = "../sql/store/offers.rs"]
mod offers;
#[path = "../sql/store/pool.rs"]
mod pool;
#[path = "../sql/store/provider.rs"]
mod provider;
mod tls;
#[path = "../sql/store/transaction.rs"]
mod transaction;
mod url;
mod verifier;

use std::{fmt, sync::Arc};

use switchgear_core::store::StoreError;

pub use self::config::PostgresConfig;
use self::{connections::Connections, database::Database};
use crate::{changes::Changes, unreadable::Unreadable};

/// Backends, offers and their metadata in one PostgreSQL database. Clones share its connections.
///
/// ```no_run
/// use switchgear_core::backend::{BackendSnapshot, DiscoveryFeed};
/// use switchgear_stores::postgres::{PostgresConfig, PostgresStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::connect(PostgresConfig {
///     url: "postgres://user:password@db.example/switchgear?sslmode=verify-full".to_owned(),
///     max_connections: 5,
/// })
/// .await?;
/// if let BackendSnapshot::Changed { backends, .. } = store.snapshot(None).await? {
///     println!("{} backends", backends.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    connections: Connections,
    changes: Changes,
    unreadable: Unreadable,
}

/// What the shared implementations of the traits call it.
type Store = PostgresStore;

impl PostgresStore {
    /// Connects to the database and brings its tables up to date. A user without the right to create
    /// any is enough when there is nothing to do.
    ///
    /// Later a lost connection is made anew by itself, when the next request needs it.
    ///
    /// # Errors
    /// [`Invalid`](switchgear_core::store::StoreErrorKind::Invalid) for a URL that names no
    /// database; [`Unavailable`](switchgear_core::store::StoreErrorKind::Unavailable) when it cannot
    /// be reached, refuses the user or its TLS, cannot be migrated, or has tables of a newer version
    /// of this program; [`Timeout`](switchgear_core::store::StoreErrorKind::Timeout) when another
    /// instance does not come to an end with its migrations.
    pub async fn connect(config: PostgresConfig) -> Result<Self, StoreError> {
        let database = Arc::new(Database::try_from_url(&config.url)?);
        Ok(Self {
            connections: Connections::open(database, config.max_connections).await?,
            changes: Changes::new(),
            unreadable: Unreadable::default(),
        })
    }

    /// Brings the database's tables up to date, and does nothing else.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn migrate(config: PostgresConfig) -> Result<(), StoreError> {
        let database = Arc::new(Database::try_from_url(&config.url)?);
        Connections::migrate(database).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
