use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context as _;

use crate::process;

/// What a slow line to a registry may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A file of this folder's sources.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Where the clients are installed: in cargo's target folder.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).context("no target folder")?;
    let folder = target.join("clients");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Installs what the lock file of npm says, beside copies of the scripts; gives the folder.
pub(crate) fn javascript() -> anyhow::Result<PathBuf> {
    let to = folder()?.join("javascript");
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(source("javascript"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    once(&to, &source("javascript/package-lock.json"), || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&to);
        process::output(npm, "", &to, PATIENCE).context("npm cannot install")?;
        Ok(())
    })?;
    Ok(to)
}

/// Installs what the requirements of Python say, by their hashes; gives the interpreter.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    let to = folder()?.join("python");
    fs::create_dir_all(&to)?;
    let python = to.join("bin/python");
    let requirements = source("python/requirements.txt");
    once(&to, &requirements, || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&to);
        process::output(venv, "", &env::temp_dir(), PATIENCE)
            .context("python3 cannot make a virtual environment")?;
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--only-binary", ":all:", "--require-hashes", "-r"])
        .arg(&requirements);
        process::output(pip, "", &to, PATIENCE).context("pip cannot install")?;
        Ok(())
    })?;
    Ok(python)
}

/// Where a program is that the system must have.
pub(crate) fn on_path(name: &str) -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name));
    let mut found = found.filter(|file| file.is_file());
    found
        .next()
        .with_context(|| format!("this machine has no {name}"))
}

/// Does `install` unless it was done into the folder `to` for the same lock file.
fn once(
    to: &Path,
    lock: &Path,
    install: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (done, lock) = (to.join("installed"), fs::read(lock)?);
    if fs::read(&done).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    install()?;
    fs::write(done, lock)?;
    Ok(())
}
