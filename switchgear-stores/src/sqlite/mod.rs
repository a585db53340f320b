//! A store in a SQLite file, through diesel and diesel-async with SQLite built in.
//!
//! One connection writes and a few others read beside it (write-ahead log), so that the read path
//! never waits for an administrator. Several processes of one machine may share the file, the first
//! to come creates and migrates it; a file on a network file system may not be shared.
//!
//! Commits are synchronised in full: what was acknowledged survives a killed process, which
//! `synchronous=NORMAL` would give too, and also a power cut, which that would not. Writes that wait
//! at the same time share a commit and its `fsync`, each in a savepoint of its own.

mod batch;
mod config;
mod connections;
mod database;
#[path = "../sql/store/discovery.rs"]
mod discovery;
mod failures;
#[path = "../sql/store/metadata.rs"]
mod metadata;
mod migrate;
#[path = "../sql/store/offers.rs"]
mod offers;
mod opened_file;
#[path = "../sql/store/pool.rs"]
mod pool;
#[path = "../sql/store/provider.rs"]
mod provider;
mod queue;
#[cfg(test)]
mod tests;

use std::fmt;

use switchgear_core::store::StoreError;

pub use self::config::SqliteConfig;
use self::{connections::Connections, database::Database};
use crate::{changes::Changes, unreadable::Unreadable};

/// Backends, offers and their metadata in one SQLite database. Clones share its connections.
///
/// ```
/// use switchgear_core::backend::{BackendSnapshot, DiscoveryFeed};
/// use switchgear_stores::sqlite::{SqliteConfig, SqliteStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("switchgear.db");
/// let store = SqliteStore::connect(SqliteConfig {
///     url: format!("sqlite://{}?mode=rwc", path.display()),
///     max_connections: 5,
/// })
/// .await?;
/// let BackendSnapshot::Changed { backends, .. } = store.snapshot(None).await? else {
///     unreachable!("no version was known");
/// };
/// assert!(backends.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    database: Database,
    connections: Connections,
    changes: Changes,
    unreadable: Unreadable,
}

/// What the shared implementations of the traits call it.
type Store = SqliteStore;

impl SqliteStore {
    /// Opens the database, creates its file unless the URL's `mode` says otherwise, and brings its
    /// tables up to date.
    ///
    /// # Errors
    /// [`Invalid`](switchgear_core::store::StoreErrorKind::Invalid) for a URL that names no
    /// database; [`Unavailable`](switchgear_core::store::StoreErrorKind::Unavailable), naming the
    /// file, when it cannot be opened or migrated, or was made by a newer version;
    /// [`Timeout`](switchgear_core::store::StoreErrorKind::Timeout) when another process keeps it
    /// locked.
    pub async fn connect(config: SqliteConfig) -> Result<Self, StoreError> {
        let database = Database::try_from_url(&config.url)?;
        database.check_folder()?;
        let connections = Connections::open(&database, config.max_connections).await?;
        Ok(Self {
            database,
            connections,
            changes: Changes::new(),
            unreadable: Unreadable::default(),
        })
    }

    /// Creates the file as [`Self::connect`] does and brings its tables up to date, and no more.
    ///
    /// # Errors
    /// Those of [`Self::connect`].
    pub async fn migrate(config: SqliteConfig) -> Result<(), StoreError> {
        Self::connect(config).await.map(drop)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
