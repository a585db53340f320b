//! A fleet of nodes that are scripts, and a discovery that is a list.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use switchgear_core::{
    Millisatoshi, Partition,
    backend::{Backend, BackendSnapshot, DiscoveryFeed, SnapshotVersion},
    ln::{Invoice, InvoiceRequest, LnBalancer as _, LnClient, LnError, LnErrorKind, NodeStatus},
    lnurl::PayMetadata,
    store::{StoreError, StoreErrorKind},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    balancer::{Balancer, BalancerConfig},
    pool::Connector,
};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// What a scripted node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Good,
    Slow(Duration),
    Failing,
    Hanging,
    /// Its checks are good, its calls hang.
    HangingCalls,
    /// Its checks are good, its calls fail at once.
    FailingCalls,
    /// Its checks fail, its calls are good.
    Unsynced,
    /// Its checks panic.
    Panicking,
}

/// What of a store panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StorePanic {
    Snapshots,
    Changes,
}

#[derive(Debug, Default)]
pub(super) struct World {
    scripts: Mutex<BTreeMap<String, Script>>,
    inbound: Mutex<BTreeMap<String, Millisatoshi>>,
    backends: Mutex<Vec<Backend>>,
    version: watch::Sender<u64>,
    pub(super) store_is_down: Mutex<bool>,
    /// Where the store's own code panics.
    pub(super) store_panics: Mutex<Option<StorePanic>>,
    pub(super) snapshot_takes: Mutex<Duration>,
    pub(super) snapshots: AtomicUsize,
    pub(super) checks: AtomicUsize,
    calls: Mutex<Vec<String>>,
    pub(super) dropped: AtomicUsize,
}

impl World {
    pub(super) fn new(nodes: &[(&str, Script)]) -> Arc<Self> {
        let world = Self::default();
        for (name, script) in nodes {
            world.script(name, *script);
            world.backends.lock().unwrap().push(backend(name));
        }
        Arc::new(world)
    }

    pub(super) fn script(&self, name: &str, script: Script) {
        self.scripts.lock().unwrap().insert(name.into(), script);
    }

    /// Lets a node's next checks tell what it can receive.
    pub(super) fn tell_inbound(&self, name: &str, msat: u64) {
        let inbound = Millisatoshi::new(msat);
        self.inbound.lock().unwrap().insert(name.into(), inbound);
    }

    fn inbound(&self, name: &str) -> Option<Millisatoshi> {
        self.inbound.lock().unwrap().get(name).copied()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<Backend>)) {
        change(&mut self.backends.lock().unwrap());
        self.version.send_modify(|version| *version += 1);
    }

    /// As another process changes the store: nobody hears of it.
    pub(super) fn change_unheard(&self, change: impl FnOnce(&mut Vec<Backend>)) {
        change(&mut self.backends.lock().unwrap());
        self.version.send_if_modified(|version| {
            *version += 1;
            false
        });
    }

    pub(super) fn start(self: &Arc<Self>, config: BalancerConfig) -> (Balancer, JoinHandle<()>) {
        let feed = Arc::new(Feed(Arc::clone(self)));
        let connector = Arc::new(Nodes(Arc::clone(self)));
        let (balancer, driver) = Balancer::new(config, feed, connector);
        (balancer, tokio::spawn(driver))
    }

    /// Starts, and waits until every node has been checked.
    pub(super) async fn settle(
        self: &Arc<Self>,
        config: BalancerConfig,
    ) -> (Balancer, JoinHandle<()>) {
        let (balancer, driver) = self.start(config);
        until(|| balancer.readiness().settled).await;
        (balancer, driver)
    }

    fn panic_where_the_store_does(&self, here: StorePanic) {
        let panics = *self.store_panics.lock().unwrap();
        assert_ne!(panics, Some(here), "as the world says");
    }

    /// How many hear of the store's changes.
    pub(super) fn listeners(&self) -> usize {
        self.version.receiver_count()
    }

    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

#[derive(Debug)]
struct Feed(Arc<World>);

#[async_trait]
impl DiscoveryFeed for Feed {
    async fn snapshot(
        &self,
        known: Option<&SnapshotVersion>,
    ) -> Result<BackendSnapshot, StoreError> {
        self.0.snapshots.fetch_add(1, Ordering::Relaxed);
        self.0.panic_where_the_store_does(StorePanic::Snapshots);
        if *self.0.store_is_down.lock().unwrap() {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "is down"));
        }
        let version = SnapshotVersion::new(self.0.version.borrow().to_string());
        let backends = self.0.backends.lock().unwrap().clone();
        let takes = *self.0.snapshot_takes.lock().unwrap();
        sleep(takes).await;
        if known == Some(&version) {
            return Ok(BackendSnapshot::Unchanged);
        }
        Ok(BackendSnapshot::Changed {
            version,
            backends,
            left_out: Vec::new(),
        })
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        let world = Arc::clone(&self.0);
        let heard = (world.version.subscribe(), world);
        Box::pin(futures::stream::unfold(
            heard,
            |(mut changes, world)| async {
                changes.changed().await.ok()?;
                world.panic_where_the_store_does(StorePanic::Changes);
                Some(((), (changes, world)))
            },
        ))
    }
}

/// The name of a node that the connector makes no client of, but panics.
pub(super) const BROKEN: &str = "broken";

#[derive(Debug)]
struct Nodes(Arc<World>);

impl Connector for Nodes {
    fn connect(&self, backend: &Backend) -> Arc<dyn LnClient> {
        let name = backend.name.as_ref().unwrap().as_str();
        assert_ne!(name, BROKEN, "as the world says");
        Arc::new(Client {
            world: Arc::clone(&self.0),
            name: backend.name.as_ref().unwrap().to_string(),
        })
    }
}

#[derive(Debug)]
struct Client {
    world: Arc<World>,
    name: String,
}

impl Client {
    fn script(&self) -> Script {
        self.world.scripts.lock().unwrap()[&self.name]
    }
}

/// Counts a call that was dropped before its end.
struct Unfinished(Option<Arc<World>>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(world) = self.0.take() {
            world.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl LnClient for Client {
    async fn invoice(&self, _: &InvoiceRequest) -> Result<Invoice, LnError> {
        self.world.calls.lock().unwrap().push(self.name.clone());
        let mut unfinished = Unfinished(Some(Arc::clone(&self.world)));
        match self.script() {
            Script::Slow(time) => sleep(time).await,
            Script::Hanging | Script::HangingCalls => std::future::pending().await,
            Script::Failing | Script::FailingCalls => {
                unfinished.0 = None;
                return Err(LnError::new(LnErrorKind::Unreachable, "connection refused"));
            }
            Script::Good | Script::Unsynced | Script::Panicking => sleep(MS).await,
        }
        unfinished.0 = None;
        Ok(Invoice {
            bolt11: self.name.clone(),
            payment_hash: [0; 32],
        })
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        self.world.checks.fetch_add(1, Ordering::Relaxed);
        match self.script() {
            Script::Hanging => std::future::pending().await,
            Script::Failing => Err(LnError::new(LnErrorKind::Unreachable, "connection refused")),
            Script::Panicking => panic!("as its script says"),
            script => Ok(NodeStatus {
                synced_to_chain: script != Script::Unsynced,
                inbound: self.world.inbound(&self.name),
                public_key: None,
                network: None,
            }),
        }
    }
}

pub(super) fn backend(name: &str) -> Backend {
    serde_json::from_value(serde_json::json!({
        "address": {"url": format!("https://{name}.example.com")},
        "name": name,
        "partitions": ["default"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/m"},
            "ampInvoice": false
        }
    }))
    .unwrap()
}

pub(super) fn config() -> BalancerConfig {
    BalancerConfig {
        verify_invoices: false,
        ..BalancerConfig::new([Partition::try_new("default").unwrap()].into())
    }
}

pub(super) fn request() -> InvoiceRequest {
    InvoiceRequest {
        partition: Partition::try_new("default").unwrap(),
        amount: Millisatoshi::from_sat(1),
        metadata: PayMetadata::from_served(r#"[["text/plain","x"]]"#),
        expiry: Duration::from_secs(180),
        comment: None,
    }
}

/// Waits, in steps of paused time, until `condition` holds.
pub(super) async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            sleep(MS).await;
        }
    };
    timeout(120 * SECOND, holds).await.unwrap();
}
