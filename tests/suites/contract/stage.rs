use anyhow::{Context as _, ensure};
use switchgear_core::Partition;
use switchgear_ln::sim::{SimNode, SimNodeConfig, SimNodeKind};
use switchgear_tests::{Service, Swgr, SwgrOptions};
use tempfile::TempDir;

/// A server with a node of each kind, and two offers to be paid.
pub(crate) struct Stage {
    pub(crate) swgr: Swgr,
    /// The ids of the offers.
    pub(crate) offers: Vec<String>,
    _nodes: Vec<SimNode>,
    _folder: TempDir,
}

impl Stage {
    pub(crate) async fn start(options: &SwgrOptions) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("nodes-")?;
        let swgr = Swgr::start_as(options).await?;
        let mut nodes = Vec::new();
        for (name, kind) in [("n1", SimNodeKind::Lnd), ("n2", SimNodeKind::Cln)] {
            let config = SimNodeConfig::new(name, folder.path().join(name)).with_kind(kind);
            let node = SimNode::start(config).await?;
            let backend = node.backend([Partition::try_new("default")?]);
            swgr.post(&serde_json::to_string(&backend)?).await?;
            nodes.push(node);
        }
        let mut offers = Vec::new();
        for text in ["a coffee", "a tea ☕"] {
            let offer = swgr.publish(text).await?;
            let (_, id) = offer.rsplit_once('/').context("the offer has no id")?;
            offers.push(id.to_owned());
        }
        Ok(Self {
            swgr,
            offers,
            _nodes: nodes,
            _folder: folder,
        })
    }

    /// Whatever `service` was asked, the server must still end in order.
    pub(crate) async fn end(self, service: Service) -> anyhow::Result<()> {
        let log = self.swgr.log()?;
        ensure!(!log.contains("panicked"), "something panicked:\n{log}");
        if service == Service::Lnurl {
            // Else it was asked for nothing that there is.
            ensure!(log.contains(": invoice "), "no invoice was made:\n{log}");
        }
        let status = self.swgr.terminate().await?;
        ensure!(status.success(), "swgr ended with {status}");
        Ok(())
    }
}
