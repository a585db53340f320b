//! btcd in regtest mode, as a miner with coins to give.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{NodeBinaries, PATIENCE};
use crate::{Process, client, free_port};

/// On loopback and in a private folder: no secret.
const USER: &str = "regtest";

/// The script hash of `OP_TRUE`, as a regtest address: whoever shows the script takes the coins, without a key. With
/// it the miner needs no wallet, so that the chain is long before the first LND starts.
const MINER: &str = "2ND8PB9RrfCaAcjfjP1Y6nAgFd9zWHYX4DN";

/// An empty configuration file.
const NO_CONFIG: &str = "empty.conf";

/// An empty input script in hex, where a transaction of one input has it: version, input count, outpoint before it.
const EMPTY_SCRIPT: std::ops::Range<usize> = 82..84;

/// The length of the input script and the script, which pushes `OP_TRUE`.
const SHOW_OP_TRUE: &str = "020151";

/// Segwit is active from block 432 on, and a block's coins are to be had 100 blocks later.
const FIRST_BLOCKS: u32 = 600;

/// The reward of each of the first 150 blocks, 50 coins, less a fee.
const GIFT: f64 = 49.999;

/// A running btcd.
#[derive(Debug)]
pub struct Btcd {
    // Held for its drop.
    _process: Process,
    rpc: Rpc,
    gifts: AtomicU64,
}

impl Btcd {
    /// Mines blocks at once.
    ///
    /// # Errors
    ///
    /// When btcd refuses.
    pub async fn mine(&self, blocks: u32) -> anyhow::Result<()> {
        self.rpc.call(&["generate", &blocks.to_string()]).await?;
        Ok(())
    }

    /// The height of the best block.
    ///
    /// # Errors
    ///
    /// When btcd does not answer.
    pub async fn height(&self) -> anyhow::Result<u64> {
        let height = self.rpc.call(&["getblockcount"]).await?;
        height.trim().parse().context("btcd counts no blocks")
    }

    /// Sends 49.999 bitcoin to an address; mine a block to confirm it. There are 150 such gifts in a chain.
    ///
    /// # Errors
    ///
    /// When the address is of a segwit kind, which btcd's `createrawtransaction` does not know, or nothing is left.
    pub async fn fund(&self, address: &str) -> anyhow::Result<()> {
        let coinbase = self.next_coinbase().await?;
        let inputs = json!([{ "txid": coinbase, "vout": 0 }]).to_string();
        let outputs = json!({ address: GIFT }).to_string();
        let unsigned = self
            .rpc
            .call(&["createrawtransaction", &inputs, &outputs])
            .await?;
        let mut transaction = unsigned.trim().to_owned();
        ensure!(
            transaction.get(EMPTY_SCRIPT) == Some("00"),
            "btcd made a transaction of another form: {transaction}"
        );
        transaction.replace_range(EMPTY_SCRIPT, SHOW_OP_TRUE);
        self.rpc.call(&["sendrawtransaction", &transaction]).await?;
        Ok(())
    }

    /// Starts it in a folder of its own below `folder`, with a chain that segwit is active on.
    pub(super) async fn start(binaries: &NodeBinaries, folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.join("btcd");
        std::fs::create_dir(&folder)?;
        // Where none is, both programs make one from samples, in the home folder if need be.
        std::fs::write(folder.join(NO_CONFIG), "")?;
        let rpc = Rpc {
            program: binaries.program("btcctl"),
            folder: folder.clone(),
            port: free_port()?,
        };
        let log = folder.join("stdout.log");
        let mut process = Process::spawn("btcd", command(binaries, &rpc), &log)?;
        process
            .wait_for("btcd to answer", PATIENCE, async || {
                Ok(rpc.call(&["getblockcount"]).await.ok())
            })
            .await?;
        let btcd = Self {
            _process: process,
            rpc,
            gifts: AtomicU64::new(0),
        };
        btcd.mine(FIRST_BLOCKS).await?;
        Ok(btcd)
    }

    pub(super) fn rpc_address(&self) -> String {
        self.rpc.address()
    }

    pub(super) fn rpc_certificate(&self) -> PathBuf {
        self.rpc.certificate()
    }

    pub(super) const fn rpc_user(&self) -> &'static str {
        USER
    }

    /// The id of the transaction that gave the miner its next unspent reward.
    async fn next_coinbase(&self) -> anyhow::Result<String> {
        let height = self.gifts.fetch_add(1, Ordering::Relaxed) + 1;
        ensure!(height <= 150, "all gifts of this chain are given away");
        let hash = self
            .rpc
            .call(&["getblockhash", &height.to_string()])
            .await?;
        let block: Value = serde_json::from_str(&self.rpc.call(&["getblock", hash.trim()]).await?)?;
        let coinbase = block["tx"][0].as_str();
        Ok(coinbase
            .context("btcd showed a block without transactions")?
            .to_owned())
    }
}

/// How btcd is asked: its own command line client.
#[derive(Debug, Clone)]
struct Rpc {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Rpc {
    async fn call(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command
            .arg(flag("configfile", self.folder.join(NO_CONFIG).display()))
            .arg("--regtest")
            .arg(flag("rpcserver", self.address()))
            .arg(flag("rpccert", self.certificate().display()))
            .arg(flag("rpcuser", USER))
            .arg(flag("rpcpass", USER))
            .args(args)
            .env("HOME", &self.folder);
        client::run(command, &format!("btcctl {}", args[0]), "", PATIENCE).await
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("rpc.cert")
    }
}

/// `--name=value`, as the nodes and their clients all take it.
pub(super) fn flag(name: &str, value: impl Display) -> String {
    format!("--{name}={value}")
}

fn command(binaries: &NodeBinaries, rpc: &Rpc) -> std::process::Command {
    let folder = &rpc.folder;
    let mut command = std::process::Command::new(binaries.program("btcd"));
    command
        .arg(flag("configfile", folder.join(NO_CONFIG).display()))
        .args(["--regtest", "--nolisten", "--nodnsseed", "--txindex"])
        .arg(flag("datadir", folder.join("data").display()))
        .arg(flag("logdir", folder.join("logs").display()))
        .arg(flag("rpccert", rpc.certificate().display()))
        .arg(flag("rpckey", folder.join("rpc.key").display()))
        .arg(flag("rpclisten", rpc.address()))
        .arg(flag("rpcuser", USER))
        .arg(flag("rpcpass", USER))
        .arg(flag("miningaddr", MINER))
        .env("HOME", folder);
    command
}
