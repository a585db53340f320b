use std::fmt;

use switchgear_core::store::StoreError;

use super::database::Database;

/// Where a PostgreSQL database is, and how many connections it may be asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresConfig {
    /// `postgres://[user[:password]@][host][:port][,…][/database][?options]`, or `postgresql://…`,
    /// percent-encoded, with the options of
    /// <https://www.postgresql.org/docs/current/libpq-connect.html>. Without a host, the Unix socket
    /// in `/var/run/postgresql` or `/tmp`; without a user, the one who runs this process; without a
    /// database, the one that bears the user's name. Neither environment variables nor files of the
    /// user's home are read.
    ///
    /// | option | default | |
    /// |---|---|---|
    /// | `sslmode` | `prefer` | `disable`, `allow`, `prefer`, `require` (TLS, with any certificate unless `sslrootcert` is given), `verify-ca`, `verify-full` |
    /// | `sslrootcert` | the system's | a PEM bundle, or `system`, which makes `verify-full` the default and the only mode |
    /// | `sslcert`, `sslkey` | none | the client's certificate and its key, in PEM |
    /// | `host`, `hostaddr`, `port`, `user`, `password`, `dbname` | | as in the URL's other parts; a host that begins with `/` is a socket's folder |
    /// | `connect_timeout` | 5 | seconds for each host, TLS and log-in included |
    /// | `keepalives`, `keepalives_idle`, `keepalives_interval`, `keepalives_count` | 1, 30 s, 10 s, 3 | TCP keep-alive |
    /// | `tcp_user_timeout` | 20,000 | milliseconds until a connection counts as dead whose data is not acknowledged |
    /// | `target_session_attrs` | `any` | `any`, `read-write`, `read-only` |
    /// | `load_balance_hosts` | `disable` | `random`: the hosts in any order |
    /// | `application_name` | `switchgear` | |
    /// | `options` | none | settings of the session, as in `-c statement_timeout=5s` |
    /// | `channel_binding` | `prefer` | `disable`, `prefer`, `require` |
    pub url: String,
    /// How many connections at most, 5 by default.
    pub max_connections: usize,
}

impl PostgresConfig {
    /// The connections of [`Self::new`].
    pub const DEFAULT_MAX_CONNECTIONS: usize = 5;

    /// The database at `url` with [`Self::DEFAULT_MAX_CONNECTIONS`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: Self::DEFAULT_MAX_CONNECTIONS,
        }
    }

    /// Whether the URL names a database; nothing is opened.
    ///
    /// # Errors
    /// [`Invalid`](switchgear_core::store::StoreErrorKind::Invalid) when it does not.
    pub fn check(&self) -> Result<(), StoreError> {
        Database::try_from_url(&self.url).map(drop)
    }
}

/// A URL may hold a password, and is not shown.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("url", &"…")
            .field("max_connections", &self.max_connections)
            .finish()
    }
}
