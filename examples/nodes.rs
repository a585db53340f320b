use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use switchgear_core::{Millisatoshi, Partition, backend::DiscoveryFeed, ln::LnBalancer as _};
use switchgear_ln::{
    balancer::{Balancer, BalancerConfig},
    pool::{NodeConnector, NodeConnectorConfig},
    sim::{SimNode, SimNodeConfig},
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

/// How long nodes may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a simulated LND for each name, which keeps its certificate and macaroon in a folder of that name.
///
/// # Errors
/// When a node cannot listen or write its files.
pub async fn simulated_nodes<const N: usize>(
    folder: &Path,
    names: [&str; N],
) -> anyhow::Result<Vec<SimNode>> {
    let mut nodes = Vec::with_capacity(N);
    for name in names {
        let config = SimNodeConfig::new(name, folder.join(name))
            .with_inbound(Millisatoshi::from_sat(2_000_000));
        nodes.push(SimNode::start(config).await?);
    }
    Ok(nodes)
}

/// A balancer over the nodes that `feed` knows, with the defaults of the manual; its driver runs as a task, and
/// ends when the last handle of the balancer is dropped.
pub fn balancer(feed: Arc<dyn DiscoveryFeed>, partition: Partition) -> (Balancer, JoinHandle<()>) {
    let connector = NodeConnector::new(NodeConnectorConfig {
        timeout: Duration::from_secs(2),
    });
    let config = BalancerConfig::new([partition].into());
    let (balancer, driver) = Balancer::new(config, feed, Arc::new(connector));
    (balancer, tokio::spawn(driver))
}

/// Waits until so many nodes of the partition are ready.
///
/// # Errors
/// When they do not become so in time.
pub async fn wait_for_ready(
    balancer: &Balancer,
    partition: &Partition,
    nodes: usize,
) -> anyhow::Result<()> {
    let ready = async {
        loop {
            let readiness = balancer.readiness();
            let known = readiness.partition(partition);
            if known.is_some_and(|known| known.ready >= nodes) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, ready)
        .await
        .with_context(|| format!("{nodes} nodes are not ready"))
}
