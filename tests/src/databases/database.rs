//! One database on a server, for one test.

use std::sync::Arc;

use anyhow::Context;

use super::{DatabaseKind, DatabaseServer};

/// As whom a program comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseUser {
    /// Who may create tables.
    Owner,
    /// Who may read and write what the owner created, and create nothing.
    Least,
}

/// A database of its own on a server that others may share.
#[derive(Debug, Clone)]
pub struct Database {
    server: Arc<DatabaseServer>,
    name: String,
}

impl Database {
    /// The password of both users; a canary that no message may ever hold.
    pub const PASSWORD: &'static str = "canary p@ss:w/rd?";
    const PASSWORD_IN_URL: &'static str = "canary%20p%40ss%3Aw%2Frd%3F";

    pub(super) fn new(server: &Arc<DatabaseServer>, name: String) -> Self {
        Self {
            server: Arc::clone(server),
            name,
        }
    }

    /// The server that it is on.
    #[must_use]
    pub fn server(&self) -> &Arc<DatabaseServer> {
        &self.server
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL with everything right: the certificate is checked against the authority and the name.
    #[must_use]
    pub fn url(&self, user: DatabaseUser) -> String {
        let root = self.server.authority().root().display();
        let options = match self.server.kind() {
            DatabaseKind::Postgres => format!("sslmode=verify-full&sslrootcert={root}"),
            DatabaseKind::MariaDb => format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={root}"),
        };
        self.url_with(user, "localhost", &options)
    }

    /// The URL of `user` to `host`, with the options behind its `?`.
    #[must_use]
    pub fn url_with(&self, user: DatabaseUser, host: &str, options: &str) -> String {
        let scheme = match self.server.kind() {
            DatabaseKind::Postgres => "postgres",
            DatabaseKind::MariaDb => "mysql",
        };
        let user = match user {
            DatabaseUser::Owner => "owner",
            DatabaseUser::Least => "least",
        };
        let password = Self::PASSWORD_IN_URL;
        let (port, name) = (self.server.port(), &self.name);
        format!("{scheme}://{user}:{password}@{host}:{port}/{name}?{options}")
    }

    /// Runs SQL in it, as the administrator.
    ///
    /// # Errors
    ///
    /// When a statement fails; holds the server's words.
    pub async fn sql(&self, statements: &str) -> anyhow::Result<String> {
        self.server.sql(Some(&self.name), statements).await
    }

    /// The number that one query gives.
    ///
    /// # Errors
    ///
    /// When it fails, or gives no number.
    pub async fn number(&self, query: &str) -> anyhow::Result<u64> {
        let answer = self.sql(query).await?;
        let number = answer.trim().parse();
        number.with_context(|| format!("`{query}` gave {answer:?}"))
    }
}
