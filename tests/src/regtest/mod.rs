//! A chain of its own with real Lightning nodes on it.

mod btcd;
mod invoice;
mod lnd;
mod node_binaries;
mod payment;

use std::{path::Path, time::Duration};

use anyhow::Context;
use tempfile::TempDir;

pub use self::{
    btcd::Btcd,
    invoice::Invoice,
    lnd::Lnd,
    node_binaries::{NodeBinaries, nodes_or_skip},
    payment::Payment,
};

/// What alice can pay to bob, less the channel's reserve of 1%.
const CHANNEL_SAT: u64 = 2_000_000;

/// For each step of the start on a busy machine; a step takes a few seconds on an idle one.
const PATIENCE: Duration = Duration::from_secs(60);

/// btcd in regtest mode and two LNDs, with an active channel from alice to bob.
///
/// Everything runs on loopback and in a temporary folder. Dropping it kills the nodes and removes the folder.
#[derive(Debug)]
pub struct Regtest {
    // Dropped from top to bottom: the nodes before their chain, the folder last.
    /// The payer: she holds all of the channel's 2,000,000 sat at the start.
    pub alice: Lnd,
    /// The payee: the channel is all inbound to him at the start.
    pub bob: Lnd,
    /// Their chain.
    pub btcd: Btcd,
    binaries: NodeBinaries,
    folder: TempDir,
}

impl Regtest {
    /// Starts it where Go is at hand; otherwise says what is missing and returns `None`, or fails under `CI=true`.
    ///
    /// # Errors
    ///
    /// As [`Regtest::start`], and when Go is missing under `CI=true`.
    pub async fn start_or_skip() -> anyhow::Result<Option<Self>> {
        match nodes_or_skip().await? {
            Some(binaries) => Self::start_with(binaries).await.map(Some),
            None => Ok(None),
        }
    }

    /// Builds the nodes unless they are built, and starts them.
    ///
    /// # Errors
    ///
    /// When Go is missing, the build fails, or a node does not come up; the error shows the end of that node's log.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(NodeBinaries::build().await?).await
    }

    /// Starts the nodes that `binaries` holds.
    ///
    /// # Errors
    ///
    /// When a node does not come up; the error shows the end of that node's log.
    pub async fn start_with(binaries: NodeBinaries) -> anyhow::Result<Self> {
        match Self::start_once(binaries.clone()).await {
            Ok(regtest) => Ok(regtest),
            // A port may have been lost between its choice and its use. Anything else fails the same way again.
            Err(first) => Self::start_once(binaries)
                .await
                .with_context(|| format!("the second start failed too; the first: {first:#}")),
        }
    }

    /// Starts one more LND, synced, without coins or channels. It does not outlive the regtest's folder: drop it first.
    ///
    /// # Errors
    ///
    /// When the node does not come up, or the name is taken.
    pub async fn add_lnd(&self, name: &str) -> anyhow::Result<Lnd> {
        Lnd::start(&self.binaries, name, self.folder.path(), &self.btcd).await
    }

    /// Opens a channel that `from` funds with coins that it gets first, and waits until payments can use it.
    ///
    /// # Errors
    ///
    /// When either node refuses, or the channel does not become active in time.
    pub async fn open_channel(&self, from: &Lnd, to: &Lnd, sat: u64) -> anyhow::Result<()> {
        open_channel(&self.btcd, from, to, sat, &[]).await
    }

    /// As [`Regtest::open_channel`], of a second channel between the two that only they know of.
    ///
    /// # Errors
    ///
    /// When either node refuses, or the channel does not become active in time.
    pub async fn open_private_channel(&self, from: &Lnd, to: &Lnd, sat: u64) -> anyhow::Result<()> {
        open_channel(&self.btcd, from, to, sat, &["--private"]).await?;
        wait_for_channels(from, to, 2).await
    }

    /// Connects alice and bob, if need be, and waits until she can pay him; for use after a restart.
    ///
    /// # Errors
    ///
    /// When the channel does not become active in time.
    pub async fn wait_for_channel(&self) -> anyhow::Result<()> {
        self.wait_for_way(&self.alice, &self.bob).await
    }

    /// Connects two nodes that have a channel, if need be, and waits until the first can pay the other, who must have
    /// some coins to give in it.
    ///
    /// # Errors
    ///
    /// When the channel does not become active in time.
    pub async fn wait_for_way(&self, from: &Lnd, to: &Lnd) -> anyhow::Result<()> {
        wait_for_channels(from, to, 1).await
    }

    /// Where the nodes keep their files, each in a folder of its name.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn start_once(binaries: NodeBinaries) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("swgr-regtest-").tempdir()?;
        let btcd = Btcd::start(&binaries, folder.path()).await?;
        let (alice, bob) = tokio::try_join!(
            Lnd::start(&binaries, "alice", folder.path(), &btcd),
            Lnd::start(&binaries, "bob", folder.path(), &btcd),
        )?;
        open_channel(&btcd, &alice, &bob, CHANNEL_SAT, &[]).await?;
        Ok(Self {
            alice,
            bob,
            btcd,
            binaries,
            folder,
        })
    }
}

async fn open_channel(
    btcd: &Btcd,
    from: &Lnd,
    to: &Lnd,
    sat: u64,
    flags: &[&str],
) -> anyhow::Result<()> {
    btcd.fund(&from.new_address().await?).await?;
    btcd.mine(1).await?;
    from.wait_for_coins().await?;
    from.connect(to).await?;
    from.fund_channel(to, sat, flags).await?;
    // LND wants three confirmations of a small channel, and six to tell others of it.
    btcd.mine(6).await?;
    wait_for_channels(from, to, 1).await
}

async fn wait_for_channels(from: &Lnd, to: &Lnd, count: usize) -> anyhow::Result<()> {
    from.connect(to).await?;
    tokio::try_join!(
        from.wait_for_channels_with(to, count),
        to.wait_for_channels_with(from, count),
    )?;
    from.wait_for_route_to(to).await
}
