use std::{
    fmt,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;
use switchgear_core::store::{StoreError, StoreErrorKind};

/// Which database a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Database {
    /// A file.
    File {
        /// The file, for checks and messages.
        path: PathBuf,
        /// The URI that SQLite opens, options included.
        uri: String,
    },
    /// Nothing but memory.
    Memory,
}

impl Database {
    /// Reads `sqlite://PATH?OPTIONS` and its shorter form `sqlite:PATH?OPTIONS`.
    pub(super) fn try_from_url(url: &str) -> Result<Self, StoreError> {
        let rest = url.strip_prefix("sqlite:").ok_or_else(not_sqlite)?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        if path == ":memory:" || has_option(rest, "mode=memory") {
            return Ok(Self::Memory);
        }
        if path.is_empty() {
            return Err(not_sqlite());
        }
        // An absolute path needs the empty authority before it: of `file://a/b`, SQLite would take
        // `a` for a host.
        let scheme = if path.starts_with('/') {
            "file://"
        } else {
            "file:"
        };
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        Ok(Self::File {
            path: PathBuf::from(decoded.as_ref()),
            uri: format!("{scheme}{rest}"),
        })
    }

    pub(super) fn uri(&self) -> &str {
        match self {
            Self::File { uri, .. } => uri,
            Self::Memory => ":memory:",
        }
    }

    /// The URI for what exists already: nothing is created where the file has gone meanwhile.
    pub(super) fn existing_uri(&self) -> String {
        let uri = self.uri();
        if matches!(self, Self::Memory) {
            return uri.to_owned();
        }
        let uri = uri.split('#').next().unwrap_or_default();
        let (file, options) = uri.split_once('?').unwrap_or((uri, ""));
        let is_kept = |option: &&str| !option.is_empty() && *option != "mode=rwc";
        let mut options: Vec<&str> = options.split('&').filter(is_kept).collect();
        if !options.iter().any(|option| option.starts_with("mode=")) {
            options.push("mode=rw");
        }
        format!("{file}?{}", options.join("&"))
    }

    /// SQLite says no more than "unable to open"; the common reason gets a message of its own.
    pub(super) fn check_folder(&self) -> Result<(), StoreError> {
        let Self::File { path, .. } = self else {
            return Ok(());
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => return Ok(()),
        };
        if folder.is_dir() {
            return Ok(());
        }
        let message = format!(
            "the database's folder {} does not exist: create it, or correct the database URL",
            folder.display()
        );
        Err(StoreError::new(StoreErrorKind::Unavailable, message))
    }
}

/// A file is named by its path, memory by what it is.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "{}", path.display()),
            Self::Memory => f.write_str("in memory"),
        }
    }
}

/// The URL itself is not repeated: one that is meant for another database may hold a password.
fn not_sqlite() -> StoreError {
    StoreError::new(
        StoreErrorKind::Invalid,
        "the database URL must look like sqlite:///path/to/file.db?mode=rwc",
    )
}

fn has_option(url: &str, option: &str) -> bool {
    let Some((_, options)) = url.split_once('?') else {
        return false;
    };
    let options = options.split('#').next().unwrap_or_default();
    options.split('&').any(|each| each == option)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(url: &str) -> (String, String) {
        match Database::try_from_url(url).unwrap() {
            Database::File { path, uri } => (path.display().to_string(), uri),
            Database::Memory => panic!("{url} is a file"),
        }
    }

    #[test]
    fn hands_the_path_and_its_options_on_to_sqlite() {
        for (url, path, uri) in [
            (
                "sqlite:///var/lib/x.db?mode=rwc",
                "/var/lib/x.db",
                "file:///var/lib/x.db?mode=rwc",
            ),
            (
                "sqlite://data/x.db?cache=private&mode=ro",
                "data/x.db",
                "file:data/x.db?cache=private&mode=ro",
            ),
            ("sqlite:x.db", "x.db", "file:x.db"),
            (
                "sqlite:///a%20b/%E2%9A%A1.db",
                "/a b/⚡.db",
                "file:///a%20b/%E2%9A%A1.db",
            ),
        ] {
            assert_eq!(file(url), (path.to_owned(), uri.to_owned()), "{url}");
        }
    }

    #[test]
    fn creates_no_file_that_was_there() {
        for (url, existing) in [
            ("sqlite:///x.db", "file:///x.db?mode=rw"),
            ("sqlite:///x.db?mode=rwc", "file:///x.db?mode=rw"),
            ("sqlite:///x.db?mode=ro#y", "file:///x.db?mode=ro"),
            (
                "sqlite:///x.db?mode=rwc&cache=private",
                "file:///x.db?cache=private&mode=rw",
            ),
            ("sqlite::memory:", ":memory:"),
        ] {
            let database = Database::try_from_url(url).unwrap();
            assert_eq!(database.existing_uri(), existing, "{url}");
        }
    }

    #[test]
    fn knows_the_forms_of_a_database_in_memory() {
        for url in [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://x?cache=shared&mode=memory",
        ] {
            assert_eq!(Database::try_from_url(url).unwrap(), Database::Memory);
        }
    }

    #[test]
    fn refuses_other_databases_without_repeating_their_passwords() {
        for url in ["postgres://user:hunter2@db/x", "", "sqlite://", "/x.db"] {
            let error = Database::try_from_url(url).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Invalid, "{url}");
            assert!(error.to_string().contains("sqlite:///path"), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
