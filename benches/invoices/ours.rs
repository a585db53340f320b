//! The call through the balancer.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt as _, pending};
use switchgear_core::{
    backend::{Backend, BackendSnapshot, DiscoveryFeed, SnapshotVersion},
    ln::{InvoiceRequest, IssuedInvoice, LnBalancer, NoInvoice},
    store::StoreError,
};
use switchgear_ln::{
    balancer::{Balancer, BalancerConfig},
    pool::{NodeConnector, NodeConnectorConfig},
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Client, Failure, request};
use crate::fleet::partition;

/// How long connecting, and becoming ready, may take.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// A balancer whose driver is spawned.
#[derive(Debug, Clone)]
pub struct Ours {
    balancer: Balancer,
    request: Arc<InvoiceRequest>,
    _driver: Arc<Driver>,
}

#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ours {
    /// The manual's defaults for the partition of the nodes.
    pub fn config() -> BalancerConfig {
        BalancerConfig::new([partition(0)].into())
    }

    /// A balancer over `nodes`, all of them ready.
    pub async fn start(config: BalancerConfig, nodes: Vec<Backend>) -> Result<Self, Failure> {
        let count = nodes.len();
        let connector = NodeConnector::new(NodeConnectorConfig { timeout: PATIENCE });
        let (balancer, driver) = Balancer::new(config, Arc::new(Fixed(nodes)), Arc::new(connector));
        let ours = Self {
            balancer,
            request: Arc::new(request()),
            _driver: Arc::new(Driver(tokio::spawn(driver))),
        };
        let all_ready = async {
            while ours.ready() < count {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, all_ready).await?;
        Ok(ours)
    }

    /// The balancer itself; its driver ends with this value.
    pub fn balancer(&self) -> Arc<dyn LnBalancer> {
        Arc::new(self.balancer.clone())
    }

    /// How many nodes are ready.
    pub fn ready(&self) -> usize {
        let readiness = self.balancer.readiness();
        readiness
            .partition(&partition(0))
            .map_or(0, |partition| partition.ready)
    }

    /// Asks for an invoice.
    pub async fn issue(&self) -> Result<IssuedInvoice, NoInvoice> {
        self.balancer.invoice(&self.request).await
    }
}

impl Client for Ours {
    async fn invoice(&self) -> Result<String, Failure> {
        Ok(self.issue().await?.invoice.bolt11)
    }
}
