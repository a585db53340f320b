//! Kills a child when its parent is gone.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use rustix::process::Pid;

/// A shell that reads a pipe of ours until its end, and then kills the child.
///
/// The kernel closes the pipe however this process ends, by SIGKILL too. The parent-death signal would do the same,
/// but it can be set from the child only, which takes unsafe code, and it follows the thread that spawned, not the
/// process.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    pub(super) fn over(pid: Pid) -> anyhow::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", r#"read -r _; kill -KILL "$0""#])
            .arg(pid.as_raw_nonzero().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal must not reach it.
            .process_group(0)
            .spawn()
            .context("the watchdog needs `sh`")?;
        Ok(Self { shell })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Killed before its pipe closes, so that it never fires at an id that is given away.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
