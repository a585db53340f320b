use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use diesel::{
    Connection as _, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _,
    dsl::sql, sql_types::BigInt,
};
use switchgear_core::store::StoreError;
use switchgear_stores::{
    mysql::{MysqlConfig, MysqlStore},
    postgres::{PostgresConfig, PostgresStore},
    sqlite::{SqliteConfig, SqliteStore},
};
use switchgear_tests::{Database, DatabaseKind, DatabaseServer, DatabaseUser, ServerOptions};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::stores::Stores;

/// A kind of SQL database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sql {
    Sqlite,
    Postgres,
    MariaDb,
}

/// An empty database for one test.
#[derive(Debug)]
pub(crate) enum Place {
    File(TempDir),
    Server(Database),
}

impl Sql {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => DatabaseKind::Postgres.name(),
            Self::MariaDb => DatabaseKind::MariaDb.name(),
        }
    }

    /// A database on a server that all tests share; `None` where this machine has no such server.
    pub(crate) async fn place(self) -> anyhow::Result<Option<Place>> {
        let server = match self {
            Self::Sqlite => return Ok(Some(Place::File(TempDir::with_prefix("sqlite-")?))),
            Self::Postgres => shared(&POSTGRES, DatabaseKind::Postgres).await?,
            Self::MariaDb => shared(&MARIADB, DatabaseKind::MariaDb).await?,
        };
        Self::on(server).await
    }

    /// A database on a server of its own, which may be hurt.
    pub(crate) async fn own_place(self, options: ServerOptions) -> anyhow::Result<Option<Place>> {
        let kind = match self {
            Self::Sqlite => return self.place().await,
            Self::Postgres => DatabaseKind::Postgres,
            Self::MariaDb => DatabaseKind::MariaDb,
        };
        Self::on(DatabaseServer::start_or_skip(kind, options).await?).await
    }

    async fn on(server: Option<Arc<DatabaseServer>>) -> anyhow::Result<Option<Place>> {
        Ok(match server {
            Some(server) => Some(Place::Server(server.create_database().await?)),
            None => None,
        })
    }
}

/// Installing a server takes seconds, making a database in it a fraction of one.
type Shared = OnceCell<Option<Arc<DatabaseServer>>>;
static POSTGRES: Shared = OnceCell::const_new();
static MARIADB: Shared = OnceCell::const_new();

async fn shared(cell: &Shared, kind: DatabaseKind) -> anyhow::Result<Option<Arc<DatabaseServer>>> {
    let start = || DatabaseServer::start_or_skip(kind, ServerOptions::QUICK);
    cell.get_or_try_init(start).await.cloned()
}

impl Place {
    /// The URL of who may create tables.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(_) => format!("sqlite://{}", self.file().display()),
            Self::Server(database) => database.url(DatabaseUser::Owner),
        }
    }

    /// The database on a server.
    pub(crate) fn database(&self) -> anyhow::Result<&Database> {
        match self {
            Self::File(_) => anyhow::bail!("SQLite has no server"),
            Self::Server(database) => Ok(database),
        }
    }

    /// The database's file, which only SQLite has.
    fn file(&self) -> PathBuf {
        match self {
            Self::File(folder) => folder.path().join("store.db"),
            Self::Server(_) => PathBuf::new(),
        }
    }

    /// Opens the store, as its owner.
    pub(crate) async fn open(&self, connections: usize) -> anyhow::Result<Stores> {
        Ok(open(&self.url(), connections).await?)
    }

    /// Runs SQL beside the store.
    pub(crate) async fn sql(&self, statements: &str) -> anyhow::Result<()> {
        match self {
            Self::File(_) => self.sqlite()?.batch_execute(statements).context("SQL"),
            Self::Server(database) => database.sql(statements).await.map(drop),
        }
    }

    /// The number that a query beside the store gives.
    pub(crate) async fn number(&self, query: &str) -> anyhow::Result<u64> {
        match self {
            Self::File(_) => {
                let number: i64 = sql::<BigInt>(query).get_result(&mut self.sqlite()?)?;
                Ok(number.try_into()?)
            }
            Self::Server(database) => database.number(&format!("{query};")).await,
        }
    }

    pub(crate) fn sqlite(&self) -> anyhow::Result<SqliteConnection> {
        let file = self.file();
        let file = file
            .to_str()
            .context("a temporary folder has a plain name")?;
        let mut connection = SqliteConnection::establish(file)?;
        connection.batch_execute("PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON;")?;
        Ok(connection)
    }
}

/// Opens the store at a URL of any database.
pub(crate) async fn open(url: &str, connections: usize) -> Result<Stores, StoreError> {
    Ok(match scheme(url) {
        Sql::Sqlite => {
            let mut config = SqliteConfig::new(url);
            config.max_connections = connections;
            Stores::of(SqliteStore::connect(config).await?)
        }
        Sql::Postgres => {
            let mut config = PostgresConfig::new(url);
            config.max_connections = connections;
            Stores::of(PostgresStore::connect(config).await?)
        }
        Sql::MariaDb => {
            let mut config = MysqlConfig::new(url);
            config.max_connections = connections;
            Stores::of(MysqlStore::connect(config).await?)
        }
    })
}

/// Brings the tables at a URL up to date, and no more.
pub(crate) async fn migrate(url: &str) -> Result<(), StoreError> {
    match scheme(url) {
        Sql::Sqlite => SqliteStore::migrate(SqliteConfig::new(url)).await,
        Sql::Postgres => PostgresStore::migrate(PostgresConfig::new(url)).await,
        Sql::MariaDb => MysqlStore::migrate(MysqlConfig::new(url)).await,
    }
}

/// What a configuration shows of itself.
pub(crate) fn shown(url: &str) -> String {
    match scheme(url) {
        Sql::Sqlite => format!("{:?}", SqliteConfig::new(url)),
        Sql::Postgres => format!("{:?}", PostgresConfig::new(url)),
        Sql::MariaDb => format!("{:?}", MysqlConfig::new(url)),
    }
}

fn scheme(url: &str) -> Sql {
    match url.split_once(':') {
        Some(("postgres", _)) => Sql::Postgres,
        Some(("mysql", _)) => Sql::MariaDb,
        _ => Sql::Sqlite,
    }
}
