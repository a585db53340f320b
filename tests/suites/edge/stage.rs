use std::time::Duration;

use anyhow::ensure;
use switchgear_core::Partition;
use switchgear_ln::sim::{SimNode, SimNodeConfig, SimNodeKind};
use switchgear_tests::{Door, Service, Swgr, SwgrOptions, eventually};
use tempfile::TempDir;

use crate::admin::Admin;

/// Many times what anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Health is asked for when a node comes, and then not for the length of any test: each further call
/// that reaches a node is a wallet's.
pub(crate) const QUIET: &str = "health-check-frequency-secs: 3600";

/// Plain, and with TLS.
pub(crate) fn both_ways() -> [SwgrOptions; 2] {
    [SwgrOptions::new(), SwgrOptions::new().with_tls()]
}

/// Simulated nodes, and `swgr` before them.
pub(crate) struct Stage {
    pub(crate) nodes: Vec<SimNode>,
    pub(crate) swgr: Swgr,
    _folder: TempDir,
}

impl Stage {
    /// So many nodes, LND and Core Lightning in turn, all checked and ready in partition `default`.
    pub(crate) async fn start(options: &SwgrOptions, nodes: usize) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("nodes-")?;
        let swgr = Swgr::start_as(options).await?;
        let kinds = [SimNodeKind::Lnd, SimNodeKind::Cln];
        let mut started = Vec::new();
        for (number, kind) in (1..=nodes).zip(kinds.into_iter().cycle()) {
            let name = format!("n{number}");
            let config = SimNodeConfig::new(&name, folder.path().join(&name)).with_kind(kind);
            let node = SimNode::start(config).await?;
            let backend = node.backend([Partition::try_new("default")?]);
            swgr.post(&serde_json::to_string(&backend)?).await?;
            started.push(node);
        }
        let stage = Self {
            nodes: started,
            swgr,
            _folder: folder,
        };
        stage.ready(nodes).await?;
        Ok(stage)
    }

    /// The way to a service.
    pub(crate) fn door(&self, service: Service) -> anyhow::Result<Door> {
        self.swgr.door(service)
    }

    /// Somebody with the token of a service.
    pub(crate) fn admin(&self, service: Service) -> anyhow::Result<Admin> {
        Admin::of(&self.swgr, service)
    }

    /// Waits until so many nodes are ready.
    pub(crate) async fn ready(&self, nodes: usize) -> anyhow::Result<()> {
        let door = self.door(Service::Lnurl)?;
        eventually("ready nodes", PATIENCE, async || {
            let health = door.get("/health/full").await?.json()?;
            let ready = health["partitions"][0]["ready"].clone();
            Ok((ready == nodes).then_some(()))
        })
        .await
    }

    /// Calls of any kind that have reached a node.
    pub(crate) fn calls(&self) -> u64 {
        self.nodes.iter().map(SimNode::calls).sum()
    }

    /// The lines of the server's log that hold all of `parts`.
    pub(crate) fn log_lines(&self, parts: &[&str]) -> anyhow::Result<Vec<String>> {
        let log = self.swgr.log()?;
        let holds = |line: &&str| parts.iter().all(|part| line.contains(part));
        Ok(log.lines().filter(holds).map(str::to_owned).collect())
    }

    /// Stops the server as an operator does: whatever was sent to it, nothing may have panicked.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        let log = self.swgr.log()?;
        ensure!(!log.contains("panicked"), "something panicked:\n{log}");
        let status = self.swgr.terminate().await?;
        ensure!(status.success(), "swgr ended with {status}");
        Ok(())
    }
}
