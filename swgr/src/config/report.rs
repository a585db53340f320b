use std::{
    cell::RefCell,
    fmt, io,
    path::{Path, PathBuf},
};

use super::files::NamedFile;

/// A place in a configuration file: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong with a configuration file, or worth a warning.
///
/// It is written as `LINE:COL: key.path: message (hint: …)`; the file's name stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Position,
    /// The key's path from the root, `lnurl-service.address` for example; empty for the whole file.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where that can be guessed.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

/// Why a configuration cannot be used. All that is wrong with a file comes at once.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("reading configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not YAML.
    #[error("parsing YAML configuration {}:{at}: {message}", path.display())]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// Where the parser gave up.
        at: Position,
        /// What it says.
        message: String,
    },
    /// The file is YAML, and these are its mistakes, in the order of the file.
    #[error("{}", lines(path, problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// At least one.
        problems: Vec<Problem>,
    },
    /// A setting turned out to be unusable when it was put to use.
    #[error("{key}: {message}")]
    Unusable {
        /// The key's path.
        key: String,
        /// What is wrong.
        message: String,
    },
}

/// `problems` of the file at `path`, one a line, each beginning with the file's name.
pub fn lines(path: &Path, problems: &[Problem]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}:{problem}", path.display()))
        .collect();
    lines.join("\n")
}

/// Collects what is found while a file is read, so that nothing stops at the first mistake.
#[derive(Debug, Default)]
pub(super) struct Sink {
    errors: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    files: RefCell<Vec<NamedFile>>,
}

impl Sink {
    pub(super) fn error(
        &self,
        at: Position,
        key: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.errors
            .borrow_mut()
            .push(problem(at, key, message.into(), hint));
    }

    pub(super) fn warning(&self, at: Position, key: &str, message: impl Into<String>) {
        self.warnings
            .borrow_mut()
            .push(problem(at, key, message.into(), None));
    }

    /// Notes a file that the configuration names, to be looked at once all keys are read.
    pub(super) fn file(&self, file: NamedFile) {
        self.files.borrow_mut().push(file);
    }

    pub(super) fn take_files(&self) -> Vec<NamedFile> {
        self.files.take()
    }

    /// The errors and the warnings, each in the order of the file.
    pub(super) fn into_problems(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut errors = self.errors.into_inner();
        let mut warnings = self.warnings.into_inner();
        errors.sort_by_key(|problem| problem.at);
        warnings.sort_by_key(|problem| problem.at);
        warnings.dedup();
        (errors, warnings)
    }
}

fn problem(at: Position, key: &str, message: String, hint: Option<String>) -> Problem {
    Problem {
        at,
        key: key.to_owned(),
        message,
        hint,
    }
}
