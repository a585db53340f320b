//! Where other people's programs lie, and what is said when one is missing.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The folders with programs that a shell does not look into: administrators' ones, and Debian's of each
/// version of PostgreSQL.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    // The newest first.
    versions.sort_unstable_by(|one, other| other.cmp(one));
    folders.extend(versions);
    folders
}

/// The file of a program.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    let mut files = folders().into_iter().map(|folder| folder.join(name));
    let found = files.find(|file| Path::is_file(file));
    found.with_context(|| format!("the program `{name}` is not on this machine"))
}

/// Whether all programs of `what` are on this machine. Where one is not, that is said; under `CI=true` it is
/// an error.
pub(crate) fn present_or_said(what: &str, names: &[&str]) -> anyhow::Result<bool> {
    let Some(error) = names.iter().find_map(|name| program(name).err()) else {
        return Ok(true);
    };
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        bail!("{what} cannot be tested: {error}");
    }
    say(&format!("UNTESTED: {what}: {error}"));
    Ok(false)
}

#[expect(
    clippy::print_stdout,
    reason = "what was not tested is there to be read"
)]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
