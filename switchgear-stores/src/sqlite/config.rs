use std::fmt;

use switchgear_core::store::StoreError;

use super::database::Database;

/// Where a SQLite database lies, and how many connections it may have.
#[derive(Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// `sqlite:///path/to/file.db`, or `sqlite://file.db` relative to the working directory, with
    /// the options of <https://www.sqlite.org/uri.html> behind a `?`; without a `mode` it is `rwc`:
    /// the file is created when it is missing. `sqlite::memory:` lives as long as the store.
    pub url: String,
    /// How many connections at most, 5 by default: one writes, the others read. With one, and in
    /// memory always, it does both.
    pub max_connections: usize,
}

impl SqliteConfig {
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

/// A URL that was meant for another database may hold a password, and is not shown.
impl fmt::Debug for SqliteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_sqlite = self.url.starts_with("sqlite:");
        let url = if is_sqlite { &self.url } else { "not SQLite's" };
        f.debug_struct("SqliteConfig")
            .field("url", &url)
            .field("max_connections", &self.max_connections)
            .finish()
    }
}
