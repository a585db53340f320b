use std::{
    fs, io,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::fs::File;

use super::lines::{self, Lines};
use crate::{
    Failure,
    cli::input::{claim_standard_input, is_standard},
};

/// Where records come from.
#[derive(Debug)]
pub(super) enum Source {
    /// A file, which can be read more than once.
    File {
        path: PathBuf,
        /// In bytes.
        length: u64,
        /// Lines that are not blank.
        lines: usize,
    },
    /// A pipe or a terminal, which cannot. `None` is standard input.
    Stream(Option<PathBuf>),
}

pub(super) type Input = Lines<File>;

impl Source {
    /// Looks at the input; counts the lines of a file.
    pub(super) fn find(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| !is_standard(path)) else {
            claim_standard_input()?;
            return Ok(Self::Stream(None));
        };
        let reading = || format!("reading {}", path.display());
        let about = fs::metadata(path).with_context(reading)?;
        if !about.is_file() && !about.is_dir() {
            return Ok(Self::Stream(Some(path.to_owned())));
        }
        Ok(Self::File {
            path: path.to_owned(),
            length: about.len(),
            lines: lines::count(path).with_context(reading)?,
        })
    }

    /// The number of records, where it is known.
    pub(super) fn total(&self) -> Option<usize> {
        match self {
            Self::File { lines, .. } => Some(*lines),
            Self::Stream(_) => None,
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Stream(path) => path.as_deref(),
        }
    }

    /// From the first line on.
    pub(super) async fn open(&self) -> Result<Input, Failure> {
        let file = match self.path() {
            Some(path) => File::open(path).await,
            // Without the lock and the buffer of the standard library's own handle.
            None => io::stdin()
                .as_fd()
                .try_clone_to_owned()
                .map(|input| File::from_std(input.into())),
        };
        Ok(Lines::new(file.with_context(|| self.reading())?))
    }

    /// What was being done when reading failed.
    pub(super) fn reading(&self) -> String {
        match self.path() {
            Some(path) => format!("reading {}", path.display()),
            None => "reading standard input".to_owned(),
        }
    }
}
