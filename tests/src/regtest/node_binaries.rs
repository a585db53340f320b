//! The nodes' programs, built from their Go modules.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail};
use tokio::process::Command;

/// What `tests/nodes/build` exits with where Go is missing.
const GO_IS_MISSING: i32 = 3;

/// What the machine lacks, and what to do about it.
const LACK: &str = "Go is missing, which builds LND and btcd: put `go` on the PATH (see tests/nodes/go.mod for its version)";

/// The folder with `lnd`, `lncli`, `btcd` and `btcctl`, as `tests/nodes/go.mod` pins them.
#[derive(Debug, Clone)]
pub struct NodeBinaries {
    folder: PathBuf,
}

impl NodeBinaries {
    /// Builds the nodes, which takes some minutes the first time and nothing afterwards.
    ///
    /// # Errors
    ///
    /// When Go is missing or the build fails; its progress and its errors go to stderr.
    pub async fn build() -> anyhow::Result<Self> {
        Self::build_if_possible().await?.context(LACK)
    }

    /// The path of one program.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// As [`NodeBinaries::build`], and `None` where Go is missing.
    async fn build_if_possible() -> anyhow::Result<Option<Self>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("nodes/build");
        let output = Command::new("bash")
            .arg(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .await
            .context("`bash` is missing, which runs tests/nodes/build")?;
        if output.status.code() == Some(GO_IS_MISSING) {
            return Ok(None);
        }
        if !output.status.success() {
            bail!(
                "{} failed with {}, its reason is on stderr",
                script.display(),
                output.status
            );
        }
        let folder = String::from_utf8(output.stdout)?.trim_end().into();
        Ok(Some(Self { folder }))
    }
}

/// The nodes' programs, built if need be; `None`, said on stderr, where a test has to be skipped because Go is missing.
///
/// # Errors
///
/// When the build fails, and when Go is missing under `CI=true`: there nothing may be skipped unnoticed.
pub async fn nodes_or_skip() -> anyhow::Result<Option<NodeBinaries>> {
    let binaries = NodeBinaries::build_if_possible().await?;
    if binaries.is_none() {
        if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            bail!("nothing is skipped under CI=true: {LACK}");
        }
        say_skipped();
    }
    Ok(binaries)
}

#[expect(
    clippy::print_stderr,
    reason = "a test that skips says so where its output is read"
)]
fn say_skipped() {
    eprintln!("skipped: {LACK}");
}
