use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use switchgear_examples::Wallet;
use switchgear_ln::sim::SimNodeKind;
use switchgear_tests::{Service, Swgr, eventually};
use tempfile::TempDir;

use crate::fleet::Fleet;

/// Many times what a node takes to be noticed, up or down.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A fleet, `swgr` before it, and an offer.
pub(crate) struct Stage {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) swgr: Swgr,
    offer: String,
    http: Wallet,
    _folder: Option<TempDir>,
}

impl Stage {
    /// So many nodes, all checked and ready; and more lines for the LNURL service's configuration.
    pub(crate) async fn start(nodes: usize, lnurl: &[&str]) -> anyhow::Result<Self> {
        Self::start_of(&vec![SimNodeKind::Lnd; nodes], lnurl).await
    }

    /// As [`Self::start`], with a node of each of `kinds`.
    pub(crate) async fn start_of(kinds: &[SimNodeKind], lnurl: &[&str]) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("nodes-")?;
        let fleet = Fleet::start_of(folder.path(), kinds).await?;
        let mut stage = Self::before(fleet, lnurl).await?;
        stage._folder = Some(folder);
        Ok(stage)
    }

    /// Before a fleet that stands already.
    pub(crate) async fn before(fleet: Fleet, lnurl: &[&str]) -> anyhow::Result<Self> {
        let swgr = Swgr::start_with(lnurl).await?;
        for index in 0..fleet.len() {
            let backend = fleet.backend(index, "default")?;
            swgr.post(&serde_json::to_string(&backend)?).await?;
        }
        let stage = Self {
            offer: swgr.publish("a coffee ☕").await?,
            fleet: Arc::new(fleet),
            swgr,
            http: Wallet::new(),
            _folder: None,
        };
        stage.ready(stage.fleet.len()).await?;
        Ok(stage)
    }

    /// Somebody who asks for invoices.
    pub(crate) fn wallet(&self) -> Customer {
        Customer::new(&self.fleet, &self.http, &self.offer)
    }

    /// Waits until so many nodes are ready.
    pub(crate) async fn ready(&self, nodes: usize) -> anyhow::Result<()> {
        eventually("ready nodes", PATIENCE, async || {
            let (_, health) = self.health().await?;
            Ok((health["partitions"][0]["ready"] == nodes).then_some(()))
        })
        .await
        .with_context(|| format!("{nodes} nodes are not ready"))
    }

    /// Asks for invoices until so many nodes are ready: one that was put aside is tried by a request.
    pub(crate) async fn recovered(&self, nodes: usize) -> anyhow::Result<()> {
        eventually("nodes that serve again", PATIENCE, async || {
            self.wallet().ask(1_000).await?;
            let (_, health) = self.health().await?;
            Ok((health["partitions"][0]["ready"] == nodes).then_some(()))
        })
        .await
    }

    /// The status and the body of `/health/full`.
    pub(crate) async fn health(&self) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}/health/full", self.swgr.url(Service::Lnurl));
        let (status, body) = self.http.text(&url).await?;
        Ok((status.as_u16(), serde_json::from_str(&body)?))
    }

    /// The lines of the server's log that hold all of `parts`.
    pub(crate) fn log_lines(&self, parts: &[&str]) -> anyhow::Result<Vec<String>> {
        let log = self.swgr.log()?;
        let holds = |line: &&str| parts.iter().all(|part| line.contains(part));
        Ok(log.lines().filter(holds).map(str::to_owned).collect())
    }

    /// What the server's log says of a node, each thing once.
    pub(crate) fn words_about(&self, node: &str) -> anyhow::Result<BTreeSet<String>> {
        let lines = self.log_lines(&[&format!("node \"{node}\" (")])?;
        let words = lines.iter().filter_map(|line| line.split_once(") "));
        Ok(words.map(|(_, words)| words.to_owned()).collect())
    }

    /// Stops the server as an operator does: whatever happened, it must still end in order.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        let log = self.swgr.log()?;
        ensure!(!log.contains("panicked"), "something panicked:\n{log}");
        let status = self.swgr.terminate().await?;
        ensure!(status.success(), "swgr ended with {status}");
        Ok(())
    }
}

/// A wallet in front of the offer. It believes nothing.
#[derive(Clone)]
pub(crate) struct Customer {
    fleet: Arc<Fleet>,
    http: Wallet,
    offer: String,
}

impl Customer {
    /// With what `http` has open, in front of the offer at the URL `offer`.
    pub(crate) fn new(fleet: &Arc<Fleet>, http: &Wallet, offer: &str) -> Self {
        Self {
            fleet: Arc::clone(fleet),
            http: http.clone(),
            offer: offer.to_owned(),
        }
    }

    /// Looks at the offer, asks for an invoice of `msat`, and checks it; gives the name of the node
    /// that made it.
    pub(crate) async fn ask(&self, msat: u64) -> anyhow::Result<String> {
        let offer = self.http.look(&self.offer).await?;
        let invoice = self.http.invoice(&offer, msat).await?;
        // The amount follows the prefix, so that another network's longer prefix is told apart.
        let network = invoice.bolt11.strip_prefix("lnbcrt");
        ensure!(
            network.is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit())),
            "the invoice is for another network: {}",
            invoice.bolt11
        );
        let node = self.fleet.name_of(&invoice.payee);
        node.with_context(|| format!("a stranger is paid: {}", invoice.payee))
    }
}
