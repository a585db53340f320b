//! A process's log file.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::Context;

/// Lines that an error shows.
const TAIL: usize = 20;

/// What one run of a process has written: its log file from where the run began.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
    start: u64,
}

impl Log {
    pub(super) fn from_here(path: &Path, start: u64) -> Self {
        Self {
            path: path.to_owned(),
            start,
        }
    }

    /// The file, which earlier runs may have written to as well.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of it; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn text(&self) -> anyhow::Result<String> {
        self.read()
            .with_context(|| format!("the log {} cannot be read", self.path.display()))
    }

    /// The first line that contains `text`, without its line break.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn line_with(&self, text: &str) -> anyhow::Result<Option<String>> {
        let log = self.text()?;
        // A line is there once its line break is.
        let complete = log.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let line = complete.lines().find(|line| line.contains(text));
        Ok(line.map(str::to_owned))
    }

    /// The last lines, for an error text.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.text().unwrap_or_else(|error| format!("{error:#}"));
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    fn read(&self) -> std::io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
