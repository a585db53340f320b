//! One LND.

mod channels;
mod credentials;
mod life;
mod program;
mod wallet;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::process::Command;

use self::program::Program;
use super::{
    Invoice, NodeBinaries, PATIENCE, Payment,
    btcd::{Btcd, flag},
    invoice::text,
};
use crate::{Process, client, eventually};

/// For an answer of a node that runs: the default of [`Lnd::lncli`].
const ANSWER: Duration = Duration::from_secs(30);

/// A running LND, with a wallet of its own, on its own self-signed certificate as it comes.
///
/// Its ports, keys and files stay the same over [`Lnd::kill`] and [`Lnd::restart`]. All methods take `&self`, so that
/// one task can torment the node while others use it.
#[derive(Debug)]
pub struct Lnd {
    program: Program,
    lncli: PathBuf,
    public_key: String,
    process: Mutex<Process>,
}

impl Lnd {
    /// Its name, which is its folder's too.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Where it serves gRPC: `https://127.0.0.1:` and its port.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("https://{}", self.program.rpc_address())
    }

    /// Its self-signed certificate, PEM.
    #[must_use]
    pub fn tls_cert_path(&self) -> PathBuf {
        self.folder().join("tls.cert")
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

    /// The id of the process that it is at present.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.lock().id()
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

    /// All invoices that it knows, the oldest first, at most 100,000.
    ///
    /// # Errors
    ///
    /// When the node does not answer.
    pub async fn invoices(&self) -> anyhow::Result<Vec<Invoice>> {
        let oldest_first = [
            "listinvoices",
            "--max_invoices=100000",
            "--paginate-forwards",
        ];
        let listed = self.lncli(&oldest_first).await?;
        let invoices = listed["invoices"].as_array();
        let invoices = invoices.with_context(|| format!("{} lists no invoices", self.name()))?;
        invoices.iter().map(Invoice::from_json).collect()
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
        let answer = self.lncli_text(args, within).await?;
        if answer.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&answer)
            .with_context(|| format!("`{}` answered no JSON", self.asked(args)))
    }

    /// As [`Lnd::lncli_within`], for a command that prints no JSON.
    async fn lncli_text(&self, args: &[&str], within: Duration) -> anyhow::Result<String> {
        let mut command = self.lncli_command();
        command.args(args);
        client::run(command, &self.asked(args), "", within).await
    }

    /// `lncli`, told where the node is; what to ask is still to be added.
    fn lncli_command(&self) -> Command {
        let mut command = Command::new(&self.lncli);
        command
            .arg(flag("lnddir", self.folder().display()))
            .arg(flag("rpcserver", self.program.rpc_address()))
            .arg("--network=regtest")
            .env("HOME", self.folder());
        command
    }

    /// What an error calls the question: the command without its arguments.
    fn asked(&self, args: &[&str]) -> String {
        let command = args.iter().find(|arg| !arg.starts_with('-'));
        format!("lncli {} at {}", command.unwrap_or(&""), self.name())
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
        .with_context(|| {
            let tail = self.log_tail();
            format!("{}, whose log ends with:\n{tail}\n", self.name())
        })
    }

    fn folder(&self) -> &Path {
        &self.program.folder
    }

    fn macaroon(&self, name: &str) -> PathBuf {
        self.folder()
            .join("data/chain/bitcoin/regtest")
            .join(format!("{name}.macaroon"))
    }
}
