//! One LND.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::process::Command;

use super::{
    Invoice, NodeBinaries, PATIENCE, Payment,
    btcd::{Btcd, flag},
    invoice::text,
};
use crate::{Process, client, eventually, free_port};

/// For an answer of a node that runs: the default of [`Lnd::lncli`].
const ANSWER: Duration = Duration::from_secs(30);

/// What LND logs just before it starts its services.
const CHAIN_IS_SYNCED: &str = "Chain backend is fully synced";

/// A running LND, with a wallet of its own, on its own self-signed certificate as it comes.
///
/// Its ports, keys and files stay the same over [`Lnd::kill`] and [`Lnd::restart`]. All methods take `&self`, so that
/// one task can torment the node while others use it.
#[derive(Debug)]
pub struct Lnd {
    name: String,
    folder: PathBuf,
    rpc_port: u16,
    peer_port: u16,
    lnd: PathBuf,
    lncli: PathBuf,
    chain: Vec<String>,
    public_key: String,
    process: Mutex<Process>,
}

impl Lnd {
    /// Its name, which is its folder's too.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it serves gRPC: `https://127.0.0.1:` and its port.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("https://{}", self.rpc_address())
    }

    /// Its self-signed certificate, PEM.
    #[must_use]
    pub fn tls_cert_path(&self) -> PathBuf {
        self.folder.join("tls.cert")
    }

    /// The macaroon with all rights, in LND's binary form.
    #[must_use]
    pub fn admin_macaroon_path(&self) -> PathBuf {
        self.macaroon("admin")
    }

    /// The macaroon that is good for invoices only, in LND's binary form.
    #[must_use]
    pub fn invoice_macaroon_path(&self) -> PathBuf {
        self.macaroon("invoice")
    }

    /// The node's key: 33 bytes in lower-case hex.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The last lines of its log, for an error text.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.process.lock().log().tail()
    }

    /// Makes an invoice with a description.
    ///
    /// # Errors
    ///
    /// When the node refuses or does not answer.
    pub async fn add_invoice(&self, msat: u64, memo: &str) -> anyhow::Result<Invoice> {
        let amount = msat.to_string();
        let added = self
            .lncli(&["addinvoice", "--amt_msat", &amount, "--memo", memo])
            .await?;
        self.lookup_invoice(&text(&added, "r_hash")?).await
    }

    /// Looks up an invoice by its payment hash in hex.
    ///
    /// # Errors
    ///
    /// When the node does not know it or does not answer.
    pub async fn lookup_invoice(&self, payment_hash: &str) -> anyhow::Result<Invoice> {
        Invoice::from_json(&self.lncli(&["lookupinvoice", payment_hash]).await?)
    }

    /// Pays an invoice.
    ///
    /// # Errors
    ///
    /// When the payment fails, or the node does not answer.
    pub async fn pay(&self, bolt11: &str) -> anyhow::Result<Payment> {
        Payment::from_json(
            &self
                .lncli(&["payinvoice", "--force", "--json", bolt11])
                .await?,
        )
    }

    /// Any other command of `lncli`, with its JSON answer; `null` where it prints nothing.
    ///
    /// # Errors
    ///
    /// When the node refuses, or does not answer within 30 s.
    pub async fn lncli(&self, args: &[&str]) -> anyhow::Result<Value> {
        self.lncli_within(args, ANSWER).await
    }

    /// As [`Lnd::lncli`], with another limit.
    ///
    /// # Errors
    ///
    /// When the node refuses, or does not answer in time.
    pub async fn lncli_within(&self, args: &[&str], within: Duration) -> anyhow::Result<Value> {
        let mut command = Command::new(&self.lncli);
        command
            .arg(flag("lnddir", self.folder.display()))
            .arg(flag("rpcserver", self.rpc_address()))
            .arg("--network=regtest")
            .args(args)
            .env("HOME", &self.folder);
        let asked = format!("lncli {} at {}", args.first().unwrap_or(&""), self.name);
        let answer = client::run(command, &asked, "", within).await?;
        if answer.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&answer).with_context(|| format!("`{asked}` answered no JSON"))
    }

    /// Stops it with SIGSTOP; returns once it stands still. Its port goes on accepting connections.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.process.lock().freeze()
    }

    /// Lets it go on with SIGCONT.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.process.lock().thaw()
    }

    /// Kills it with SIGKILL; returns once it is gone and its port refuses.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.process.lock().kill()?;
        Ok(())
    }

    /// Starts it again on the same ports and files, killing it first if it runs, and waits until it is synced.
    ///
    /// Its channels come back once its peers are connected: see [`super::Regtest::wait_for_channel`].
    ///
    /// # Errors
    ///
    /// When it does not come up; the error shows the end of its log.
    pub async fn restart(&self) -> anyhow::Result<()> {
        {
            let mut process = self.process.lock();
            process.kill()?;
            *process = self.spawn()?;
        }
        self.wait_until_ready().await
    }

    /// Starts it in a folder of its own below `folder`, and waits until it is synced.
    pub(super) async fn start(
        binaries: &NodeBinaries,
        name: &str,
        folder: &Path,
        btcd: &Btcd,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir(&folder)
            .with_context(|| format!("the node's name {name} is taken or none of a folder"))?;
        let (rpc_port, peer_port) = (free_port()?, free_port()?);
        let lnd = binaries.program("lnd");
        let chain = chain_flags(btcd);
        let process = spawn(&lnd, name, &folder, rpc_port, peer_port, &chain)?;
        let mut node = Self {
            name: name.to_owned(),
            folder,
            rpc_port,
            peer_port,
            lnd,
            lncli: binaries.program("lncli"),
            chain,
            public_key: String::new(),
            process: Mutex::new(process),
        };
        node.wait_until_ready().await?;
        node.public_key = text(&node.lncli(&["getinfo"]).await?, "identity_pubkey")?;
        Ok(node)
    }

    /// An address of its wallet, of the only kind that btcd's `createrawtransaction` can pay to among LND's.
    pub(super) async fn new_address(&self) -> anyhow::Result<String> {
        text(&self.lncli(&["newaddress", "np2wkh"]).await?, "address")
    }

    pub(super) async fn wait_for_coins(&self) -> anyhow::Result<()> {
        self.eventually("confirmed coins", async || {
            let balance = self.lncli(&["walletbalance"]).await?;
            Ok(text(&balance, "confirmed_balance")? != "0")
        })
        .await
    }

    /// Connects to a peer; harmless when it is connected.
    pub(super) async fn connect(&self, peer: &Self) -> anyhow::Result<()> {
        let peer = format!("{}@127.0.0.1:{}", peer.public_key, peer.peer_port);
        match self.lncli(&["connect", &peer]).await {
            Err(error) if !format!("{error:#}").contains("already connected") => Err(error),
            _ => Ok(()),
        }
    }

    /// Publishes the funding transaction of a channel; mine to confirm it.
    pub(super) async fn fund_channel(&self, peer: &Self, sat: u64) -> anyhow::Result<()> {
        let amount = sat.to_string();
        self.lncli(&[
            "openchannel",
            "--node_key",
            &peer.public_key,
            "--local_amt",
            &amount,
            "--sat_per_vbyte=2",
        ])
        .await?;
        Ok(())
    }

    pub(super) async fn wait_for_channel_with(&self, peer: &Self) -> anyhow::Result<()> {
        let what = format!("an active channel with {}", peer.name);
        self.eventually(&what, async || {
            let listed = self
                .lncli(&["listchannels", "--active_only", "--peer", &peer.public_key])
                .await?;
            Ok(listed["channels"]
                .as_array()
                .is_some_and(|list| !list.is_empty()))
        })
        .await
    }

    /// A channel is active a moment before payments find it.
    pub(super) async fn wait_for_route_to(&self, peer: &Self) -> anyhow::Result<()> {
        let what = format!("a route to {}", peer.name);
        self.eventually(&what, async || {
            let found = self.lncli(&["queryroutes", &peer.public_key, "1"]).await;
            Ok(found.is_ok())
        })
        .await
    }

    /// Until its services run and it has seen the whole chain.
    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        // Opening the wallet takes seconds of every core there is, so until then looking must cost next to nothing.
        let log = self.process.lock().log().clone();
        self.eventually("its wallet and its chain", async || {
            Ok(log.line_with(CHAIN_IS_SYNCED)?.is_some())
        })
        .await?;
        self.eventually("all its services", async || {
            Ok(self.lncli(&["state"]).await?["state"] == "SERVER_ACTIVE")
        })
        .await?;
        self.eventually("the chain's tip", async || {
            Ok(self.lncli(&["getinfo"]).await?["synced_to_chain"] == true)
        })
        .await
    }

    /// Waits while the node runs; the error shows the end of its log.
    async fn eventually(
        &self,
        what: &str,
        mut probe: impl AsyncFnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        eventually(what, PATIENCE, async || {
            let ended = self.process.lock().exit_status()?;
            match (probe().await, ended) {
                (_, Some(status)) => bail!("it ended ({status}) before {what}"),
                (done, None) => Ok(done?.then_some(())),
            }
        })
        .await
        .with_context(|| format!("{}, whose log ends with:\n{}\n", self.name, self.log_tail()))
    }

    fn spawn(&self) -> anyhow::Result<Process> {
        spawn(
            &self.lnd,
            &self.name,
            &self.folder,
            self.rpc_port,
            self.peer_port,
            &self.chain,
        )
    }

    fn rpc_address(&self) -> String {
        format!("127.0.0.1:{}", self.rpc_port)
    }

    fn macaroon(&self, name: &str) -> PathBuf {
        self.folder
            .join("data/chain/bitcoin/regtest")
            .join(format!("{name}.macaroon"))
    }
}

fn spawn(
    lnd: &Path,
    name: &str,
    folder: &Path,
    rpc_port: u16,
    peer_port: u16,
    chain: &[String],
) -> anyhow::Result<Process> {
    let mut command = std::process::Command::new(lnd);
    command
        .arg(flag("lnddir", folder.display()))
        .arg(flag("alias", name))
        .arg(flag("rpclisten", format!("127.0.0.1:{rpc_port}")))
        .arg(flag("listen", format!("127.0.0.1:{peer_port}")))
        .args([
            "--norest",
            "--nobootstrap",
            "--noseedbackup",
            "--trickledelay=50",
        ])
        .args(chain)
        .env("HOME", folder);
    Process::spawn(name, command, &folder.join("stdout.log"))
}

fn chain_flags(btcd: &Btcd) -> Vec<String> {
    vec![
        "--bitcoin.regtest".to_owned(),
        "--bitcoin.node=btcd".to_owned(),
        flag("btcd.rpchost", btcd.rpc_address()),
        flag("btcd.rpccert", btcd.rpc_certificate().display()),
        flag("btcd.rpcuser", btcd.rpc_user()),
        flag("btcd.rpcpass", btcd.rpc_user()),
    ]
}
