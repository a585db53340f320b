//! Removes a server's folder when its owner is gone.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context;

/// A shell that reads a pipe of ours until its end, and then removes the folder.
///
/// A server that all tests of one binary share is never dropped: what is static is not. The kernel closes
/// the pipe however this process ends. The server's own processes may go on writing for a moment after
/// they were told to end, so that it tries again.
#[derive(Debug)]
pub(super) struct Broom {
    shell: Child,
}

impl Broom {
    pub(super) fn over(folder: &Path) -> anyhow::Result<Self> {
        const SCRIPT: &str = r#"
            read -r _
            for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" 2>/dev/null && [ ! -e "$0" ] && exit; sleep 0.2; done
        "#;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal must not reach it.
            .process_group(0)
            .spawn()
            .context("the broom needs `sh`")?;
        Ok(Self { shell })
    }
}

impl Drop for Broom {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Its output ends when it has swept.
        if let Some(mut swept) = self.shell.stdout.take() {
            let _ = swept.read_to_end(&mut Vec::new());
        }
        let _ = self.shell.wait();
    }
}
