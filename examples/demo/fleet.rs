use std::{path::Path, time::Duration};

use anyhow::Context as _;
use futures::future::try_join_all;
use switchgear_core::{Millisatoshi, Partition, backend::DiscoveryBackendStore as _};
use switchgear_ln::sim::{Fault, SimNode, SimNodeConfig};

use crate::services::Services;

/// Three simulated LNDs: gRPC over TLS with a macaroon each, and invoices signed by a key each.
pub(crate) struct Nodes(Vec<SimNode>);

impl Nodes {
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let start = |name: &'static str| {
            let config = SimNodeConfig::new(name, folder.join(name))
                .with_inbound(Millisatoshi::from_sat(2_000_000));
            SimNode::start(config)
        };
        Ok(Self(try_join_all(["n1", "n2", "n3"].map(start)).await?))
    }

    /// Registers each node over REST, and waits until all are checked.
    pub(crate) async fn register(&self, services: &Services) -> anyhow::Result<()> {
        let partition = Partition::try_new("default")?;
        for node in &self.0 {
            let backend = node.backend([partition.clone()]);
            services.discovery.post(backend).await?;
        }
        services.wait_for_ready(self.0.len()).await
    }

    /// What the node of this key is called.
    pub(crate) fn name(&self, payee: &str) -> String {
        let index = self
            .0
            .iter()
            .position(|node| node.public_key().to_string() == payee);
        index.map_or_else(|| payee.to_owned(), |index| format!("n{}", index + 1))
    }

    pub(crate) async fn break_down(&self, index: usize, fault: Fault) -> anyhow::Result<()> {
        let node = self.0.get(index).context("there is no such node")?;
        Ok(node.set_fault(Some(fault)).await?)
    }

    pub(crate) async fn mend(&self) -> anyhow::Result<()> {
        for node in &self.0 {
            node.set_fault(None).await?;
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How long a node that is down may take to be noticed as up again.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}
