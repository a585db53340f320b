//! Where a load writes, which is never over what it reads or writes elsewhere.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{LoadArgs, journal::Journal, source::Source};
use crate::Failure;

/// What a stream on standard input is called, which may be a file.
const STANDARD_INPUT: &str = "/dev/stdin";

/// The journal's place; `None` for a stream, which comes only once, and has no place to go on at.
///
/// # Errors
/// When two of input, journal and file for what is refused are one, or a stream is to have a journal.
pub(super) fn journal(args: &LoadArgs, source: &Source) -> Result<Option<PathBuf>, Failure> {
    let journal = match (source, &args.journal) {
        (Source::File { path, .. }, None) => Some(Journal::beside(path)),
        (Source::File { .. }, Some(journal)) => Some(journal.clone()),
        (Source::Stream(_), None) => None,
        (Source::Stream(_), Some(_)) => {
            return Err(Failure::Usage(
                "--journal needs a file as --input: a stream cannot be resumed".to_owned(),
            ));
        }
    };
    let input = source.path().unwrap_or(Path::new(STANDARD_INPUT));
    let refused = args.refused.as_deref();
    if journal.as_deref().is_some_and(|path| is_same(path, input)) {
        return Err(same("--journal", "--input"));
    }
    if refused.is_some_and(|path| is_same(path, input)) {
        return Err(same("--refused", "--input"));
    }
    match (refused, &journal) {
        (Some(refused), Some(journal)) if is_same(refused, journal) => {
            Err(same("--refused", "the journal"))
        }
        _ => Ok(journal),
    }
}

fn same(option: &str, other: &str) -> Failure {
    Failure::Usage(format!("{option} must be another file than {other}"))
}

/// Whether both are one file, by whatever name, or would be if they were written.
fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => {
            one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
        }
        (Err(_), Err(_)) => match (resolved(one), resolved(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
        _ => false,
    }
}

/// The folder of a file that is not there, by its one name, and the file's own name.
fn resolved(path: &Path) -> Option<(PathBuf, &OsStr)> {
    let folder = match path.parent()? {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    Some((folder.canonicalize().ok()?, path.file_name()?))
}
