use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::Context as _;
use serde::Serialize;
use switchgear_core::backend::Backend;

use super::input::is_standard;
use crate::Failure;

/// Writes to a file, which is replaced, or to standard output for `-` and for no path at all.
pub(super) fn write(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    match path.filter(|path| !is_standard(path)) {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
            Ok(())
        }
        None => print(text),
    }
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
        _ => Failure::from(anyhow::Error::new(error).context("writing to standard output")),
    })
}

/// Pretty JSON, ending with a line break.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).context("writing JSON")?;
    text.push('\n');
    Ok(text)
}

/// Says on standard error what was done. That nobody may be listening there is no failure.
pub fn say(message: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// A record as the services show it: with its `location` beside its fields.
#[derive(Debug, Serialize)]
pub(super) struct Located<'a, T> {
    #[serde(flatten)]
    pub(super) record: &'a T,
    pub(super) location: String,
}

/// A backend with its location.
pub(super) fn located(backend: &Backend) -> Located<'_, Backend> {
    Located {
        record: backend,
        location: backend.address.to_string(),
    }
}
