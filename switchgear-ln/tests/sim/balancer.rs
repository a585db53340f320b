//! Whom the strategies reach, over real connections.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt as _, pending};
use switchgear_core::{
    backend::{Backend, BackendAddress, BackendSnapshot, DiscoveryFeed, SnapshotVersion, Weight},
    balance::Consistent,
    ln::{InvoiceRequest, LnBalancer as _, NoInvoice},
    lnurl::{Comment, CommentLimit},
    store::StoreError,
};
use switchgear_ln::{
    balancer::{Balancer, BalancerConfig},
    pool::{NodeConnector, NodeConnectorConfig},
    sim::{SimNode, SimNodeConfig},
};
use tokio::task::JoinSet;

use crate::common::{CONNECT_TIMEOUT, bounded, partition, request, until};

/// A discovery that never changes.
#[derive(Debug)]
struct Fixed(Vec<Backend>);

#[async_trait]
impl DiscoveryFeed for Fixed {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        Ok(match known {
            Some(_) => BackendSnapshot::Unchanged,
            None => BackendSnapshot::Changed {
                version: SnapshotVersion::new("the only one"),
                backends: self.0.clone(),
                left_out: Vec::new(),
            },
        })
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        pending().boxed()
    }
}

/// Nodes, and what is registered of them. The same seeds make the same addresses in every run.
struct Nodes {
    nodes: Vec<SimNode>,
    backends: Vec<Backend>,
    _directory: tempfile::TempDir,
}

impl Nodes {
    async fn start(weights: &[u16]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut nodes = Vec::new();
        for seed in (1_u64..).take(weights.len()) {
            let name = format!("node-{seed}");
            let config = SimNodeConfig::new(&name, directory.path().join(&name)).with_seed(seed);
            nodes.push(SimNode::start(config).await.unwrap());
        }
        let backends = nodes.iter().zip(weights).map(|(node, weight)| Backend {
            weight: Weight::new(*weight),
            ..node.backend([partition()])
        });
        Self {
            backends: backends.collect(),
            nodes,
            _directory: directory,
        }
    }

    /// An instance of its own over them, all ready; its driver runs among `drivers`.
    async fn balancer(&self, config: BalancerConfig, drivers: &mut JoinSet<()>) -> Balancer {
        let timeout = CONNECT_TIMEOUT;
        let connector = NodeConnector::new(NodeConnectorConfig { timeout });
        let feed = Fixed(self.backends.clone());
        let (balancer, driver) = Balancer::new(config, Arc::new(feed), Arc::new(connector));
        drivers.spawn(driver);
        until("every node is ready", || {
            let readiness = balancer.readiness();
            let partition = readiness.partition(&partition());
            partition.is_some_and(|partition| partition.ready == self.nodes.len())
        })
        .await;
        balancer
    }
}

fn config() -> BalancerConfig {
    BalancerConfig::new(BTreeSet::from([partition()]))
}

async fn node_of(balancer: &Balancer, request: &InvoiceRequest) -> BackendAddress {
    bounded(balancer.invoice(request)).await.unwrap().node
}

#[tokio::test]
async fn consistent_reaches_the_same_node_by_the_same_comment_on_two_instances() {
    let nodes = Nodes::start(&[1, 1, 1]).await;
    let mut drivers = JoinSet::new();
    let consistent = BalancerConfig {
        strategy: Arc::new(Consistent::default()),
        ..config()
    };
    let one = nodes.balancer(consistent.clone(), &mut drivers).await;
    let other = nodes.balancer(consistent, &mut drivers).await;
    let limit = CommentLimit::new(64).unwrap();
    let mut reached = BTreeSet::new();
    for payer in 0..30 {
        let commented = InvoiceRequest {
            comment: Comment::try_new(&format!("payer {payer}"), limit).unwrap(),
            ..request()
        };
        let node = node_of(&one, &commented).await;
        for balancer in [&one, &other, &other] {
            assert_eq!(node_of(balancer, &commented).await, node, "{payer}");
        }
        reached.insert(node);
    }
    assert_eq!(reached.len(), 3, "other comments reach other nodes");
}

#[tokio::test]
async fn round_robin_interleaves_weights_of_two_to_one() {
    let nodes = Nodes::start(&[2, 1]).await;
    let mut drivers = JoinSet::new();
    let balancer = nodes.balancer(config(), &mut drivers).await;
    let mut turns = String::new();
    for _ in 0..12 {
        let node = node_of(&balancer, &request()).await;
        let heavy = node == nodes.backends[0].address;
        turns.push(if heavy { 'A' } else { 'B' });
    }
    // It begins anywhere, and then never leaves the rotation.
    let rotations = ["AAB", "ABA", "BAA"].map(|rotation| rotation.repeat(4));
    assert!(rotations.contains(&turns), "{turns}");
}

/// Connections to the node that are open on this side, as the kernel counts them.
#[cfg(target_os = "linux")]
fn open_connections(node: &SimNode) -> usize {
    const ESTABLISHED: &str = "01";

    let port = format!(":{:04X}", node.address().port());
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let is_open = |line: &&str| {
        let mut columns = line.split_whitespace().skip(2);
        let remote = columns.next().is_some_and(|remote| remote.ends_with(&port));
        remote && columns.next() == Some(ESTABLISHED)
    };
    table.lines().skip(1).filter(is_open).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn closes_its_connections_with_its_last_handle_and_with_its_driver() {
    let nodes = Nodes::start(&[1]).await;
    let node = &nodes.nodes[0];
    let mut drivers = JoinSet::new();
    let by_handle = nodes.balancer(config(), &mut drivers).await;
    let by_driver = nodes.balancer(config(), &mut drivers).await;
    for balancer in [&by_handle, &by_driver] {
        bounded(balancer.invoice(&request())).await.unwrap();
    }
    assert_eq!(open_connections(node), 2);

    drop(by_handle);
    until("the first connection is closed", || {
        open_connections(node) == 1
    })
    .await;
    drivers.abort_all();
    until("the second connection is closed", || {
        open_connections(node) == 0
    })
    .await;
    let late = bounded(by_driver.invoice(&request())).await;
    assert_eq!(late.unwrap_err(), NoInvoice::Closed);
}
