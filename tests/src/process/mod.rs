//! A supervised child process.

mod log;
#[cfg(test)]
mod tests;
mod watchdog;

use std::{
    fs::OpenOptions,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process, waitid};

pub use self::log::Log;
use self::watchdog::Watchdog;
use crate::eventually;

/// A child process with its output in a log file.
///
/// Dropping it kills it and waits for its end, also while a test panics. Should this process itself be killed, or end
/// without dropping, a watchdog kills the child.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    log: Log,
    watchdog: Option<Watchdog>,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with its stdout and stderr appended to the file `log`, and stdin empty.
    ///
    /// `name` is what errors call it. The child gets a process group of its own, so that Ctrl-C in a terminal reaches
    /// the test first.
    ///
    /// # Errors
    ///
    /// When the log cannot be opened or the program cannot be run.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("the log {} cannot be opened", log.display()))?;
        let log = Log::from_here(log, file.metadata()?.len());
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} ({:?}) cannot be run", command.get_program()))?;
        let mut process = Self {
            name: name.to_owned(),
            pid: Pid::from_child(&child),
            child,
            log,
            watchdog: None,
            ended: None,
        };
        // After the child is owned, so that a failure here still kills it.
        process.watchdog = Some(Watchdog::over(process.pid)?);
        Ok(process)
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written since it was started.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Whether it has not ended yet; a frozen process is running.
    ///
    /// # Errors
    ///
    /// When the kernel cannot be asked.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.exit_status()?.is_none())
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    ///
    /// When the kernel cannot be asked.
    pub fn exit_status(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
            self.disarm_when_ended();
        }
        Ok(self.ended)
    }

    /// Waits for a line of the log that contains `text`, and returns that line.
    ///
    /// # Errors
    ///
    /// When `within` passes or the process ends before it; both show the log's tail.
    pub async fn wait_for_line(&mut self, text: &str, within: Duration) -> anyhow::Result<String> {
        let log = self.log.clone();
        self.wait_for(&format!("the line `{text}`"), within, async || {
            log.line_with(text)
        })
        .await
    }

    /// Waits until `probe` finds something, as [`eventually`] does.
    ///
    /// # Errors
    ///
    /// The probe's own error, that `within` passed, or that the process ended before; all show the log's tail.
    pub async fn wait_for<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut probe: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let found = eventually(what, within, async || {
            // Asked before the look, so that what it wrote last is still seen.
            let ended = self.exit_status()?;
            match (probe().await?, ended) {
                (Some(found), _) => Ok(Some(found)),
                (None, Some(status)) => bail!("ended ({status}) before {what}"),
                (None, None) => Ok(None),
            }
        })
        .await;
        found.with_context(|| self.described())
    }

    /// Waits until it ends by itself or by a signal sent earlier.
    ///
    /// # Errors
    ///
    /// When it still runs after `within`.
    pub async fn wait(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        eventually("its end", within, async || self.exit_status())
            .await
            .with_context(|| self.described())
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        if let Some(status) = self.exit_status()? {
            bail!("{} has ended ({status}), no signal reaches it", self.name);
        }
        Ok(kill_process(self.pid, signal)?)
    }

    /// Stops it with SIGSTOP, and returns once the kernel says that it stands still.
    ///
    /// Its sockets stay open: the kernel goes on accepting connections for it and acknowledging what is sent to it.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn freeze(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)?;
        // NOWAIT leaves an exit status for `exit_status`.
        let events = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid), events)? {
            Some(status) if status.stopped() => Ok(()),
            _ => bail!("{} ended instead of standing still", self.name),
        }
    }

    /// Lets a frozen process go on, with SIGCONT.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn thaw(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Kills it with SIGKILL and waits for its end; harmless when it has ended already.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn kill(&mut self) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.exit_status()? {
            return Ok(status);
        }
        // SIGKILL ends a frozen process too.
        self.child.kill()?;
        let status = self.child.wait()?;
        self.ended = Some(status);
        self.disarm_when_ended();
        Ok(status)
    }

    /// Its id is the kernel's to give away from here on.
    fn disarm_when_ended(&mut self) {
        if self.ended.is_some() {
            self.watchdog = None;
        }
    }

    fn described(&self) -> String {
        format!("{}, whose log ends with:\n{}\n", self.name, self.log.tail())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody to tell, and a child that cannot be killed is gone.
        let _ = self.kill();
    }
}
