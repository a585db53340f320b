//! The call through the balancer.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt as _, pending};
use switchgear_benches::fleet::partition;
use switchgear_core::{
    backend::{Backend, BackendSnapshot, DiscoveryFeed, SnapshotVersion},
    ln::{InvoiceRequest, IssuedInvoice, LnBalancer as _, NoInvoice},
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

use crate::client::{Client, Failure, request};

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
            },
        })
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        pending().boxed()
    }
}

/// A balancer whose driver is spawned.
#[derive(Debug, Clone)]
pub(crate) struct Ours {
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
    pub(crate) fn config() -> BalancerConfig {
        BalancerConfig::new([partition(0)].into())
    }

    /// A balancer over `nodes`, all of them ready.
    pub(crate) async fn start(
        config: BalancerConfig,
        nodes: Vec<Backend>,
    ) -> Result<Self, Failure> {
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

    /// How many nodes are ready.
    pub(crate) fn ready(&self) -> usize {
        let readiness = self.balancer.readiness();
        readiness
            .partition(&partition(0))
            .map_or(0, |partition| partition.ready)
    }

    /// Asks for an invoice.
    pub(crate) async fn issue(&self) -> Result<IssuedInvoice, NoInvoice> {
        self.balancer.invoice(&self.request).await
    }
}

impl Client for Ours {
    async fn invoice(&self) -> Result<(), Failure> {
        self.issue().await.map(drop).map_err(Into::into)
    }
}
