use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// More than any certificate bundle or macaroon; it keeps a wrong path from filling the memory.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Why credentials cannot be used. Its text names the file, never what is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    /// The file cannot be read.
    #[error("cannot read {}: {}", .0.display(), reason(.1))]
    Read(PathBuf, #[source] io::Error),
    /// The file is read, and is not what it should be.
    #[error("{} {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it is instead, or lacks.
        reason: String,
    },
    /// A disk or a network share hangs.
    #[error("reading {} takes too long", shown(.0))]
    Slow(Vec<PathBuf>),
    /// This process is stopping.
    #[error("reading the credentials was interrupted")]
    Interrupted,
}

impl CredentialError {
    /// Refuses what is in `path`.
    pub(crate) fn content(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Content {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Reads a credential file; one that is empty, or larger than any credential, is refused.
///
/// So is what is no file: opening a pipe waits for who writes into it.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, CredentialError> {
    let failed = |error| CredentialError::Read(path.to_owned(), error);
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(CredentialError::content(path, "is not a regular file"));
    }
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut content))
        .map_err(failed)?;
    if content.is_empty() {
        return Err(CredentialError::content(path, "is empty"));
    }
    if content.len() as u64 > LARGEST_FILE {
        return Err(CredentialError::content(path, "is too large"));
    }
    Ok(content)
}

fn shown(files: &[PathBuf]) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    files.join(" and ")
}

/// Without the number that the standard library appends: a person reads this.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_file_that_is_missing_empty_or_larger_than_any_credential() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credential");
        let text = || read_file(&path).unwrap_err().to_string();
        let shown = path.display();

        assert_eq!(
            text(),
            format!("cannot read {shown}: there is no such file")
        );
        let file = File::create(&path).unwrap();
        assert_eq!(text(), format!("{shown} is empty"));
        file.set_len(LARGEST_FILE + 1).unwrap();
        assert_eq!(text(), format!("{shown} is too large"));
        file.set_len(LARGEST_FILE).unwrap();
        assert_eq!(read_file(&path).unwrap().len() as u64, LARGEST_FILE);
    }

    #[test]
    fn refuses_what_is_no_file_without_opening_it() {
        let directory = tempfile::tempdir().unwrap();
        let device = cfg!(unix).then_some(Path::new("/dev/null"));
        for path in [directory.path()].into_iter().chain(device) {
            let text = read_file(path).unwrap_err().to_string();
            assert_eq!(text, format!("{} is not a regular file", path.display()));
        }
    }

    #[test]
    fn names_the_files_that_take_too_long() {
        let error = CredentialError::Slow(vec!["/a/tls.cert".into(), "/a/macaroon".into()]);
        let words = "reading /a/tls.cert and /a/macaroon takes too long";
        assert_eq!(error.to_string(), words);
    }
}
