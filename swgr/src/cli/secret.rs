use std::{
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tempfile::NamedTempFile;

use super::{
    input::is_standard,
    output::{print, write},
};
use crate::Failure;

/// Writes a secret: to standard output, or into a file that only its owner can read.
///
/// The file appears whole or not at all; one that exists is replaced.
pub(super) fn write_secret(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    Staged::new(path, text, Readers::Owner)?.persist(true)
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Its owner only.
    Owner,
    /// Whom the process's umask lets.
    Umask,
}

/// Text on its way out. What can go wrong with a file has gone wrong before it is persisted, so that
/// several are written all or none.
#[derive(Debug)]
pub(super) enum Staged<'a> {
    /// Written beside the file that it becomes.
    File { path: &'a Path, file: NamedTempFile },
    /// For what cannot be swapped for a file: standard output, a pipe, a terminal.
    Stream {
        path: Option<&'a Path>,
        text: &'a str,
    },
}

impl<'a> Staged<'a> {
    pub(super) fn new(
        path: Option<&'a Path>,
        text: &'a str,
        readers: Readers,
    ) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| !is_standard(path)) else {
            return Ok(Self::Stream { path: None, text });
        };
        match fs::metadata(path).map(|found| found.file_type()) {
            Ok(kind) if kind.is_dir() => Err(unwritable(path, io::ErrorKind::IsADirectory.into())),
            Ok(kind) if !kind.is_file() => Ok(Self::Stream {
                path: Some(path),
                text,
            }),
            _ => {
                let file = beside(path, text, readers).map_err(|error| unwritable(path, error))?;
                Ok(Self::File { path, file })
            }
        }
    }

    /// Puts the text where it belongs. A file that exists is kept, unless `replace` says otherwise.
    pub(super) fn persist(self, replace: bool) -> Result<(), Failure> {
        let (path, file) = match self {
            Self::File { path, file } => (path, file),
            Self::Stream { path: None, text } => return print(text),
            Self::Stream { path, text } => return write(path, text),
        };
        let kept = match replace {
            true => file.persist(path),
            false => file.persist_noclobber(path),
        };
        kept.map(drop).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => exists(path),
            _ => unwritable(path, error.error),
        })
    }
}

/// Refuses to overwrite a key.
pub(super) fn exists(path: &Path) -> Failure {
    let path = path.display();
    Failure::message(format!("{path} exists already, --force overwrites it"))
}

/// Writes a temporary file in the folder of `path`, with its final mode from the beginning.
fn beside(path: &Path, text: &str, readers: Readers) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Umask => 0o666,
    };
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    Failure::from(anyhow::Error::new(error).context(format!("writing {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_file_that_exists_and_hides_a_new_one_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let stage = |text: &'static str| Staged::new(Some(&path), text, Readers::Owner).unwrap();
        stage("first").persist(false).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let error = stage("second").persist(false).unwrap_err();
        assert!(error.to_string().contains("--force"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        stage("second").persist(true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
    }

    #[test]
    fn leaves_nothing_behind_when_it_is_not_persisted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        drop(Staged::new(Some(&path), "text", Readers::Umask).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
