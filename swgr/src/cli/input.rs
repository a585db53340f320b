use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Failure;

/// Reads a file, or standard input for `-` and for no path at all.
pub(super) fn read_text(path: Option<&Path>) -> Result<String, Failure> {
    let Some(path) = path.filter(|path| !is_standard(path)) else {
        claim_standard_input()?;
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .context("reading standard input")?;
        return Ok(text);
    };
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text)
}

/// The path for what opens its files by itself: `-` becomes the name that the system gives to
/// standard input.
pub(super) fn openable(path: &Path) -> Result<PathBuf, Failure> {
    if !is_standard(path) {
        return Ok(path.to_owned());
    }
    claim_standard_input()?;
    Ok(PathBuf::from("/dev/stdin"))
}

/// Lets one argument of this process have standard input, which can be read only once.
pub(super) fn claim_standard_input() -> Result<(), Failure> {
    static CLAIMED: AtomicBool = AtomicBool::new(false);

    match CLAIMED.swap(true, Ordering::Relaxed) {
        false => Ok(()),
        true => Err(Failure::Usage(
            "standard input is asked for twice and can be read only once: give one a file"
                .to_owned(),
        )),
    }
}

/// Whether `path` means standard input or output.
pub(super) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// A record's JSON object before it is read as a record.
#[derive(Debug)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let text = read_text(path)?;
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(invalid("must be a JSON object")),
            Err(error) => Err(invalid(error)),
        }
    }

    /// Drops what GET adds to a record, so that its output can be posted.
    pub(super) fn without_location(mut self) -> Self {
        self.0.remove("location");
        self
    }

    /// Makes the record the one that the command line names: it may repeat `value`, or leave it out.
    pub(super) fn fix(mut self, field: &str, value: Value) -> Result<Self, Failure> {
        let given = self.0.insert(field.to_owned(), value.clone());
        match given {
            Some(other) if !other.is_null() && other != value => Err(invalid(format!(
                "{field}: is {other}, but the command line says {value}"
            ))),
            _ => Ok(self),
        }
    }

    /// As [`Self::fix`], and the field is none of the record's own.
    pub(super) fn agree(self, field: &str, value: Value) -> Result<Self, Failure> {
        let mut fixed = self.fix(field, value)?;
        fixed.0.remove(field);
        Ok(fixed)
    }

    /// Normalises a field before it is compared; one that cannot be read is left as it is.
    pub(super) fn normalise<T>(mut self, field: &str) -> Self
    where
        T: DeserializeOwned + serde::Serialize,
    {
        if let Some(value) = self.0.get_mut(field) {
            let typed: Result<T, _> = serde_json::from_value(value.clone());
            if let Some(normal) = typed
                .ok()
                .and_then(|typed| serde_json::to_value(typed).ok())
            {
                *value = normal;
            }
        }
        self
    }

    pub(super) fn into_record<T: DeserializeOwned>(self) -> Result<T, Failure> {
        serde_json::from_value(Value::Object(self.0)).map_err(invalid)
    }
}

/// Refuses a body in the words of the services.
fn invalid(detail: impl std::fmt::Display) -> Failure {
    Failure::message(format!("Invalid input: {detail}"))
}
