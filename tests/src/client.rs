//! Running a command line client to its end.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, bail};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// Runs the client to its end with `input` on its stdin and returns its stdout, at most `within`; a client that takes
/// longer is killed.
///
/// The error names what was asked, not the whole command line, and holds the client's stderr.
pub(crate) async fn run(
    mut command: Command,
    asked: &str,
    input: &str,
    within: Duration,
) -> anyhow::Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("`{asked}` could not be run"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A client that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = timeout(within, child.wait_with_output())
        .await
        .with_context(|| format!("`{asked}` gave no answer within {within:?}"))??;
    if !output.status.success() {
        bail!(
            "`{asked}` failed with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{asked}` answered no UTF-8"))
}
