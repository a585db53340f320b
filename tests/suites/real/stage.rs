//! Two real LNDs, `swgr` before them, and one offer.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use switchgear_examples::{PayInvoice, PayOffer, Wallet};
use switchgear_tests::{Lnd, Regtest, Service, Swgr, eventually};

/// Many times what a health check takes to notice a node.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that a test needs, running.
pub(crate) struct Stage {
    // Dropped from top to bottom: the server before its nodes.
    pub(crate) swgr: Swgr,
    pub(crate) offer: PayOffer,
    pub(crate) regtest: Regtest,
}

impl Stage {
    /// Starts it without a node registered, with more lines in the section of the LNURL service; `None` where Go is
    /// missing.
    pub(crate) async fn start(lnurl: &[&str]) -> anyhow::Result<Option<Self>> {
        let Some(regtest) = Regtest::start_or_skip().await? else {
            return Ok(None);
        };
        let swgr = Swgr::start_with(lnurl).await?;
        let offer = swgr.publish("a coffee").await?;
        let offer = Wallet::new().look(&offer).await?;
        Ok(Some(Self {
            swgr,
            offer,
            regtest,
        }))
    }

    /// Registers a node with a macaroon of its own and `more` fields of its `implementation`.
    pub(crate) async fn register(
        &self,
        node: &Lnd,
        macaroon: &Path,
        more: Value,
    ) -> anyhow::Result<()> {
        let backend = backend(node, macaroon, more).to_string();
        self.swgr.post(&backend).await
    }

    /// Registers a node with all rights.
    pub(crate) async fn register_plainly(&self, node: &Lnd) -> anyhow::Result<()> {
        self.register(node, &node.admin_macaroon_path(), json!({}))
            .await
    }

    /// Waits until so many nodes are ready.
    pub(crate) async fn ready(&self, nodes: u64) -> anyhow::Result<()> {
        let wallet = Wallet::new();
        let url = format!("{}/health/full", self.swgr.url(Service::Lnurl));
        eventually("ready nodes", PATIENCE, async || {
            let (_, body) = wallet.text(&url).await?;
            let health: Value = serde_json::from_str(&body)?;
            Ok((health["partitions"][0]["ready"] == nodes).then_some(()))
        })
        .await
    }

    /// Waits until the server logs a line about a node, and gives that line.
    pub(crate) async fn logs(&self, node: &Lnd, words: &str) -> anyhow::Result<String> {
        let what = format!("`{words}` about {}", node.name());
        eventually(&what, PATIENCE, async || {
            let log = self.swgr.log()?;
            let mut lines = log.lines();
            let line = lines.find(|line| line.contains(words) && line.contains(node.name()));
            Ok(line.map(str::to_owned))
        })
        .await
    }

    /// One invoice over 1 sat.
    pub(crate) async fn invoice(&self) -> anyhow::Result<PayInvoice> {
        Wallet::new().invoice(&self.offer, 1_000).await
    }

    /// Ends the server in good order.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        let status = self.swgr.terminate().await?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// A node as it is registered: enabled, of weight 1, in partition `default`.
pub(crate) fn backend(node: &Lnd, macaroon: &Path, more: Value) -> Value {
    let mut implementation = json!({
        "type": "lndGrpc",
        "url": node.grpc_url(),
        "auth": {"type": "path", "tlsCertPath": node.tls_cert_path(), "macaroonPath": macaroon},
        "ampInvoice": false,
    });
    if let (Some(fields), Value::Object(more)) = (implementation.as_object_mut(), more) {
        fields.extend(more);
    }
    json!({
        "address": {"publicKey": node.public_key()},
        "name": node.name(),
        "partitions": ["default"],
        "weight": 1,
        "enabled": true,
        "implementation": implementation,
    })
}
