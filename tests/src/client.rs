//! Running a node's command line client.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;
use tokio::time::timeout;

/// Runs the client to its end and returns its stdout, at most `within`; a client that takes longer is killed.
///
/// The error names what was asked, not the whole command line, and holds the client's stderr.
pub(crate) async fn run(
    mut command: Command,
    asked: &str,
    within: Duration,
) -> anyhow::Result<String> {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(within, running)
        .await
        .with_context(|| format!("`{asked}` gave no answer within {within:?}"))?
        .with_context(|| format!("`{asked}` could not be run"))?;
    if !output.status.success() {
        bail!(
            "`{asked}` failed with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{asked}` answered no UTF-8"))
}
