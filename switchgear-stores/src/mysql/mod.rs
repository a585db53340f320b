//! A store in MySQL or MariaDB, through diesel and diesel-async over mysql_async with rustls.
//!
//! Any number of processes may share the database. The first to come creates and migrates the
//! tables; a process that finds them up to date needs no more rights than SELECT, INSERT, UPDATE and
//! DELETE. Tables are InnoDB and compare text byte by byte.
//!
//! What was acknowledged survives a killed server as long as its `innodb_flush_log_at_trx_commit` is
//! 1, the default. Its `binlog_format`, where it keeps a binary log, must be `ROW` or `MIXED`.
//!
//! It is tested with MariaDB 10.11. MySQL speaks the same protocol and the SQL is meant for both,
//! but it is untested.

mod config;
mod connections;
mod connector;
#[path = "../sql/store/discovery.rs"]
mod discovery;
mod failures;
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
mod rsa_key;
mod tls;
#[path = "../sql/store/transaction.rs"]
mod transaction;
mod url;

use std::fmt;

use switchgear_core::store::StoreError;

pub use self::config::MysqlConfig;
use self::{connections::Connections, connector::Connector, url::Target};
use crate::{changes::Changes, unreadable::Unreadable};

/// Backends, offers and their metadata in one MySQL or MariaDB database. Clones share its
/// connections.
///
/// ```no_run
/// use switchgear_core::backend::{BackendSnapshot, DiscoveryFeed};
/// use switchgear_stores::mysql::{MysqlConfig, MysqlStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = MysqlConfig::new(
///     "mysql://swgr:secret@db.example/switchgear?ssl-mode=VERIFY_IDENTITY&ssl-ca=/etc/ssl/db.pem",
/// );
/// let store = MysqlStore::connect(config).await?;
/// let BackendSnapshot::Changed { backends, .. } = store.snapshot(None).await? else {
///     unreachable!("no version was known");
/// };
/// println!("{} nodes", backends.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MysqlStore {
    target: Target,
    connections: Connections,
    changes: Changes,
    unreadable: Unreadable,
}

/// What the shared implementations of the traits call it.
type Store = MysqlStore;

impl MysqlStore {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// [`Invalid`](switchgear_core::store::StoreErrorKind::Invalid) for a URL that names no
    /// database or has a bad option;
    /// [`Unavailable`](switchgear_core::store::StoreErrorKind::Unavailable) or
    /// [`Timeout`](switchgear_core::store::StoreErrorKind::Timeout), in words that say what to do,
    /// when the server cannot be reached, refuses, is not trusted or cannot be migrated.
    pub async fn connect(config: MysqlConfig) -> Result<Self, StoreError> {
        let target = Target::try_from_url(&config.url)?;
        let connector = Connector::new(target.clone());
        let connections = Connections::open(connector, config.max_connections).await?;
        Ok(Self {
            target,
            connections,
            changes: Changes::new(),
            unreadable: Unreadable::default(),
        })
    }

    /// Brings the tables up to date and does nothing else. Its user must be allowed to create
    /// tables.
    ///
    /// # Errors
    /// As of [`Self::connect`].
    pub async fn migrate(config: MysqlConfig) -> Result<(), StoreError> {
        let target = Target::try_from_url(&config.url)?;
        Connections::migrate(&Connector::new(target)).await
    }
}

impl fmt::Debug for MysqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlStore")
            .field("database", &self.target)
            .finish_non_exhaustive()
    }
}
