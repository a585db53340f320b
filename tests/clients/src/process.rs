use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

/// Many times what a start takes.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A process that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; what it says on standard error goes to the file `log`.
    pub(crate) fn start(mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        // Standard input stays open as long as this lives.
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, log })
    }

    /// What stands behind `text` on the first line that holds it.
    pub(crate) fn wait_for(&mut self, text: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(&self.log)?;
            // A line is whole once its end is there.
            let lines = said
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            if let Some((_, rest)) = lines.filter_map(|line| line.split_once(text)).next() {
                return Ok(rest.trim().to_owned());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("ended with {status}, and had said {said}");
            }
            ensure!(Instant::now() < deadline, "never said {text:?}, but {said}");
            thread::sleep(POLL);
        }
    }

    /// All it has said.
    pub(crate) fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `command` prints, given `input`. Fails when it exits with another code than 0, or not within `patience`.
pub(crate) fn output(
    mut command: Command,
    input: &str,
    folder: &Path,
    patience: Duration,
) -> anyhow::Result<String> {
    let mut given = tempfile::tempfile_in(folder)?;
    std::io::Write::write_all(&mut given, input.as_bytes())?;
    std::io::Seek::rewind(&mut given)?;
    // Files, since nobody empties a pipe while this waits.
    let (out, err) = (
        tempfile::NamedTempFile::new_in(folder)?,
        tempfile::NamedTempFile::new_in(folder)?,
    );
    let mut child = command
        .stdin(given)
        .stdout(out.reopen()?)
        .stderr(err.reopen()?)
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let deadline = Instant::now() + patience;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            child.kill()?;
            break child.wait()?;
        }
        thread::sleep(POLL);
    };
    let [out, err] = [out, err].map(|file| fs::read(file.path()));
    let (out, err) = (String::from_utf8(out?)?, err?);
    ensure!(
        status.success(),
        "{} ended with {status}: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&err).trim()
    );
    Ok(out)
}
