//! Real database servers, thrown away after use.

mod account;
mod authority;
mod broom;
mod database;
mod disk;
mod mariadb;
mod postgres;
mod server;

pub use self::{
    authority::Authority,
    database::{Database, DatabaseUser},
    disk::SmallDisk,
    server::{DatabaseServer, ServerOptions},
};

/// Which program a database server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MariaDb,
}

impl DatabaseKind {
    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        }
    }

    /// What it takes to run one.
    const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["initdb", "postgres", "psql"],
            Self::MariaDb => &["mariadb-install-db", "mariadbd", "mariadb"],
        }
    }
}
