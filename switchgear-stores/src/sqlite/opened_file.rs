use std::path::Path;

use diesel::result::Error as SqlError;

use super::{database::Database, failures::MOVED};

/// The file that was opened, to see whether its path still leads to it.
///
/// SQLite writes on in a file that was deleted or replaced, and what it acknowledges is gone with
/// the process.
#[derive(Debug, Default)]
pub(super) struct OpenedFile(Option<(Database, Identity)>);

impl OpenedFile {
    /// Looks at the file of a database that has just been opened. One in memory has none, and one
    /// that cannot be looked at is not watched. Blocks.
    pub(super) fn of(database: &Database) -> Self {
        let identity = path(database).and_then(Identity::of);
        Self(identity.map(|identity| (database.clone(), identity)))
    }

    /// Blocks, for as long as it takes to look at one file's entry.
    ///
    /// # Errors
    /// [`MOVED`] when the path leads to another file, or nowhere.
    pub(super) fn check(&self) -> Result<(), SqlError> {
        match &self.0 {
            Some((database, opened)) if path(database).and_then(Identity::of) != Some(*opened) => {
                Err(SqlError::QueryBuilderError(MOVED.message.into()))
            }
            _ => Ok(()),
        }
    }
}

fn path(database: &Database) -> Option<&Path> {
    match database {
        Database::File { path, .. } => Some(path),
        Database::Memory => None,
    }
}

/// What stays the same of a file while it is renamed and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;

        let entry = std::fs::metadata(path).ok()?;
        Some(Self {
            device: entry.dev(),
            inode: entry.ino(),
        })
    }

    /// Other systems do not let a file go that is open.
    #[cfg(not(unix))]
    fn of(_: &Path) -> Option<Self> {
        None
    }
}
