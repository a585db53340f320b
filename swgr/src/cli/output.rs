use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use serde::Serialize;
use switchgear_core::backend::Backend;
use tempfile::NamedTempFile;

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

/// Writes a secret: to standard output, or into a file that only its owner can read.
///
/// The file appears whole or not at all; one that exists is kept unless `replace` says otherwise.
pub(super) fn write_secret(path: Option<&Path>, text: &str, replace: bool) -> Result<(), Failure> {
    let Some(path) = path.filter(|path| !is_standard(path)) else {
        return print(text);
    };
    // A pipe or a terminal cannot be swapped for a file; it is nobody's to keep either.
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
    if special {
        return write(Some(path), text);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // A temporary file is made with mode 0600, and so the secret is never readable by others.
    let written = NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        let kept = match replace {
            true => file.persist(path),
            false => file.persist_noclobber(path),
        };
        kept.map(drop).map_err(|error| error.error)
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => {
            Failure::from(anyhow::Error::new(error).context(format!("writing {}", path.display())))
        }
    })
}

/// Refuses to overwrite a key.
pub(super) fn exists(path: &Path) -> Failure {
    let path = path.display();
    Failure::message(format!("{path} exists already, --force overwrites it"))
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

/// The list of backends for whoever reads standard output: a table for people, Markdown for scripts.
pub(super) fn backends(backends: &[Backend]) -> String {
    if io::stdout().is_terminal() {
        table(backends)
    } else {
        markdown(backends)
    }
}

fn markdown(backends: &[Backend]) -> String {
    let mut text = "# Discovery Backends\n\n".to_owned();
    for backend in backends {
        let name = backend.name.as_ref().map_or("[null]", |name| name.as_str());
        let lines = [
            format!("## Address: {}\n", one_line(&backend.address.readable())),
            format!("* name: {}", one_line(name)),
            format!("* location: {}", backend.address),
            format!("* enabled: {}", backend.enabled),
            format!("* weight: {}", backend.weight.get()),
            format!("* partitions: {}\n\n", partitions(backend)),
        ];
        text.push_str(&lines.join("\n"));
    }
    text
}

fn table(backends: &[Backend]) -> String {
    let heads = ["ADDRESS", "NAME", "PARTITIONS", "ENABLED", "WEIGHT"].map(str::to_owned);
    let rows = backends.iter().map(|backend| {
        let name = backend.name.as_ref().map_or("", |name| name.as_str());
        [
            one_line(&backend.address.readable()),
            one_line(name),
            partitions(backend),
            backend.enabled.to_string(),
            backend.weight.get().to_string(),
        ]
    });
    let rows: Vec<[String; 5]> = std::iter::once(heads).chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..5).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn partitions(backend: &Backend) -> String {
    let names: Vec<_> = backend
        .partitions
        .iter()
        .map(|name| name.as_str())
        .collect();
    names.join(", ")
}

/// Escapes what would break a line or steer a terminal.
fn one_line(text: &str) -> String {
    let escape = |character: char| -> String {
        if character.is_control() {
            character.escape_default().collect()
        } else {
            character.to_string()
        }
    };
    text.chars().map(escape).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(name: Option<&str>) -> Backend {
        let mut value = serde_json::json!({
            "address": {"url": "https://lnd.example.com"},
            "partitions": ["us", "default"],
            "weight": 7,
            "enabled": true,
            "implementation": {
                "type": "lndGrpc", "url": "https://127.0.0.1:10009", "ampInvoice": false,
                "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/a.macaroon"},
            },
        });
        value["name"] = serde_json::json!(name);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn lists_backends_as_the_markdown_that_scripts_parse() {
        assert_eq!(markdown(&[]), "# Discovery Backends\n\n");
        assert_eq!(
            markdown(&[backend(Some("one")), backend(None)]),
            "# Discovery Backends\n\n\
             ## Address: https://lnd.example.com/\n\n\
             * name: one\n\
             * location: url/aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v\n\
             * enabled: true\n\
             * weight: 7\n\
             * partitions: default, us\n\n\
             ## Address: https://lnd.example.com/\n\n\
             * name: [null]\n\
             * location: url/aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v\n\
             * enabled: true\n\
             * weight: 7\n\
             * partitions: default, us\n\n"
        );
    }

    #[test]
    fn lists_backends_as_an_aligned_table_that_no_name_can_break() {
        assert_eq!(
            table(&[backend(Some("one\n\u{1b}[2J"))]),
            "ADDRESS                   NAME            PARTITIONS   ENABLED  WEIGHT\n\
             https://lnd.example.com/  one\\n\\u{1b}[2J  default, us  true     7\n"
        );
    }

    #[test]
    fn keeps_a_key_that_exists_and_hides_a_new_one_from_others() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        write_secret(Some(&path), "first", false).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let error = write_secret(Some(&path), "second", false).unwrap_err();
        assert!(error.to_string().contains("--force"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        write_secret(Some(&path), "second", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
    }
}
