use std::fmt;

use switchgear_core::store::StoreError;

use super::url::Target;

/// Where a MySQL or MariaDB database is, and how many connections it may have.
#[derive(Clone, PartialEq, Eq)]
pub struct MysqlConfig {
    /// `mysql://[user[:password]@][host][:port]/database?OPTIONS`, or `mariadb://` and the same;
    /// without a host it is `localhost`, without a port 3306. Reserved letters of a user's name or
    /// password are percent-encoded. Options:
    ///
    /// | option | default | meaning |
    /// |---|---|---|
    /// | `ssl-mode` | `PREFERRED`, with `ssl-ca` `VERIFY_CA` | `DISABLED`: plain. `PREFERRED`: TLS if the server has it. `REQUIRED`: TLS, whoever the server is. `VERIFY_CA`: its certificate is from a trusted authority. `VERIFY_IDENTITY`: and names the host |
    /// | `ssl-ca` | the system's | a PEM file of trusted authorities, read again for each connection |
    /// | `ssl-cert`, `ssl-key` | none | PEM files of a client certificate and its RSA key |
    /// | `socket` | none | a Unix socket, used instead of TCP, without TLS |
    /// | `statement-cache-capacity` | 100 | how many prepared statements a connection keeps; below 32, which the store's own need, none |
    /// | `charset` | `utf8mb4` | accepted for `utf8mb4` alone |
    pub url: String,
    /// How many connections at most, 5 by default.
    pub max_connections: usize,
}

impl MysqlConfig {
    /// The connections of [`Self::new`].
    pub const DEFAULT_MAX_CONNECTIONS: usize = 5;

    /// The database at `url` with [`Self::DEFAULT_MAX_CONNECTIONS`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: Self::DEFAULT_MAX_CONNECTIONS,
        }
    }

    /// Whether the URL names a database and its options are known; nothing is opened.
    ///
    /// # Errors
    /// [`Invalid`](switchgear_core::store::StoreErrorKind::Invalid) when not, with the option's
    /// name; never with the password.
    pub fn check(&self) -> Result<(), StoreError> {
        Target::try_from_url(&self.url).map(drop)
    }
}

/// The URL may hold a password: only what was understood as host and database is shown.
impl fmt::Debug for MysqlConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = Target::try_from_url(&self.url);
        let url = target.map_or_else(|_| "not MySQL's".to_owned(), |target| target.to_string());
        f.debug_struct("MysqlConfig")
            .field("url", &url)
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_the_database_is_without_its_password() {
        let config = MysqlConfig::new("mysql://swgr:hunter2@db.example:3307/offers");
        let shown = format!("{config:?}");
        assert!(shown.contains("mysql://db.example:3307/offers"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");

        let config = MysqlConfig::new("mysql://swgr:hunter2/%@db.example/offers");
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
