use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future::try_join_all;
use switchgear_core::{
    Millisatoshi, Partition,
    backend::{Backend, BackendName, BackendPatch, DiscoveryBackendStore, Partitions, Weight},
    ln::{InvoiceRequest, LnBalancer as _},
    lnurl::PayMetadata,
};
use switchgear_ln::{
    balancer::{Balancer, BalancerConfig},
    pool::{NodeConnector, NodeConnectorConfig},
};
use switchgear_stores::{
    http::{HttpDiscoveryStore, HttpStoreConfig},
    memory::MemoryDiscoveryStore,
};
use switchgear_tests::{Service, eventually};
use tempfile::TempDir;
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    fleet::Fleet,
    footprint::Footprint,
    row::Row,
    size::size,
    stage::{PATIENCE, Stage},
    steady::asking_while,
    window::Window,
};

/// Nodes that are left alone.
const KEPT: usize = 2;

/// Nodes that come and go.
const MOVING: usize = 20;

/// This often, so that each of 1,000 adds and 1,000 removes is of a node that was connected.
const ROUNDS: usize = 50;

/// So many changes each of weight, of name and of partitions.
const CHANGES: usize = 1_000;

/// A leak of one a change would be a thousand; the store opens a few more connections under load.
const SLACK: usize = 8;

/// Of the server as a process: what the kernel counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_and_memory_are_flat_after_thousands_of_changes() -> anyhow::Result<()> {
    const MEMORY_SLACK: usize = 8 * 1024;

    let lnurl = ["partitions: [default, other]"];
    let stage = Stage::start(KEPT + MOVING, &lnurl).await?;
    let url = stage.swgr.url(Service::Discovery).parse()?;
    let token = stage.swgr.token(Service::Discovery);
    let store = HttpDiscoveryStore::try_new(HttpStoreConfig::new(url, token))?;
    let changes = Changes::new(&store, &stage.fleet)?;
    let connected = connections(&stage.fleet);
    let wallet = stage.wallet();

    let ask = || {
        let wallet = wallet.clone();
        async move { wallet.ask(21_000).await }
    };
    let ready = async |nodes| stage.ready(nodes).await;
    let script = async |_| {
        changes.describe(CHANGES / 10).await?;
        changes.come_and_go(ROUNDS / 10, &ready).await?;
        let before = Footprint::of(&stage.swgr)?;
        for _ in 0..size(1, 5) {
            changes.describe(CHANGES).await?;
            changes.come_and_go(ROUNDS, &ready).await?;
        }
        anyhow::Ok(before)
    };
    let (before, samples) = asking_while(20, ask, script).await?;
    let load = Window::of(&samples, Duration::ZERO..Duration::MAX);
    // The sockets of nodes that went close when their last call is done; the row says if they do not.
    let _ = eventually("as few descriptors as before", PATIENCE, async || {
        let now = Footprint::of(&stage.swgr)?;
        Ok((now.descriptors <= before.descriptors + SLACK).then_some(()))
    })
    .await;
    let after = Footprint::of(&stage.swgr)?;

    let mut row = Row::new(
        "flat",
        "thousands of changes of a fleet: the server's process",
    );
    row.figure(load.in_words());
    row.figure(format!(
        "{} descriptors, then {}",
        before.descriptors, after.descriptors
    ));
    row.figure(format!(
        "{} KiB, then {}",
        before.resident_kib, after.resident_kib
    ));
    row.must_not_fail(&load);
    nodes_were_treated_alike(&mut row, &stage.fleet, &connected);
    row.must(
        "descriptors flat",
        after.descriptors <= before.descriptors + SLACK,
    );
    row.must(
        "memory + 8 MiB at most",
        after.resident_kib <= before.resident_kib + MEMORY_SLACK,
    );
    row.finish()?;
    stage.end().await
}

/// Of the balancer alone: what its runtime counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_flat_after_thousands_of_changes() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("nodes-")?;
    let alone = Alone::start(folder.path(), KEPT + MOVING).await?;
    let ready = async |nodes| alone.ready(nodes).await;
    let changes = Changes::new(&alone.store, &alone.fleet)?;
    changes.register(0).await?;
    ready(KEPT + MOVING).await?;
    let connected = connections(&alone.fleet);
    changes.describe(CHANGES / 10).await?;
    changes.come_and_go(ROUNDS / 10, &ready).await?;
    let before = alone.tasks();
    let ask = || alone.clone().ask();
    let script = async |_| {
        changes.describe(CHANGES).await?;
        changes.come_and_go(ROUNDS, &ready).await
    };
    let ((), samples) = asking_while(20, ask, script).await?;
    let load = Window::of(&samples, Duration::ZERO..Duration::MAX);
    let _ = eventually("as few tasks as before", PATIENCE, async || {
        Ok((alone.tasks() <= before).then_some(()))
    })
    .await;
    let after = alone.tasks();

    let mut row = Row::new("flat", "thousands of changes of a fleet: the balancer");
    row.figure(load.in_words());
    row.figure(format!("{before} tasks, then {after}"));
    row.must_not_fail(&load);
    nodes_were_treated_alike(&mut row, &alone.fleet, &connected);
    row.must("tasks flat", after <= before);
    row.finish()
}

/// Those left alone kept their connections; the others were connected to anew each time.
fn nodes_were_treated_alike(row: &mut Row, fleet: &Fleet, before: &[u64]) {
    let made: Vec<_> = connections(fleet)
        .into_iter()
        .zip(before)
        .map(|(now, before)| now - before)
        .collect();
    let (kept, moving) = made.split_at(KEPT);
    row.figure(format!(
        "new connections of a node that is left alone {}, of another {}",
        kept.iter().max().unwrap_or(&0),
        moving.iter().min().unwrap_or(&0)
    ));
    row.must(
        "nodes left alone keep their connection",
        kept.iter().all(|made| *made == 0),
    );
    row.must(
        "the others were connected to each time",
        moving.iter().all(|made| *made >= ROUNDS as u64),
    );
}

fn connections(fleet: &Fleet) -> Vec<u64> {
    fleet.nodes().map(|node| node.connections()).collect()
}

/// What is done to a fleet through its store.
struct Changes<'a> {
    store: &'a dyn DiscoveryBackendStore,
    backends: Vec<Backend>,
}

impl<'a> Changes<'a> {
    fn new(store: &'a dyn DiscoveryBackendStore, fleet: &Fleet) -> anyhow::Result<Self> {
        let backends = (0..fleet.len())
            .map(|index| fleet.backend(index, "default"))
            .collect::<Result<_, _>>()?;
        Ok(Self { store, backends })
    }

    /// Registers the nodes from this one on.
    async fn register(&self, first: usize) -> anyhow::Result<()> {
        let posts = self.backends[first..].iter();
        try_join_all(posts.map(|backend| self.store.post(backend.clone()))).await?;
        Ok(())
    }

    async fn remove(&self, first: usize) -> anyhow::Result<()> {
        let deletes = self.backends[first..].iter();
        try_join_all(deletes.map(|backend| self.store.delete(&backend.address))).await?;
        Ok(())
    }

    /// Removes all that move, and registers them again, each time until that is seen.
    async fn come_and_go(
        &self,
        rounds: usize,
        ready: &impl AsyncFn(usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for _ in 0..rounds {
            self.remove(KEPT).await?;
            ready(KEPT).await?;
            self.register(KEPT).await?;
            ready(KEPT + MOVING).await?;
        }
        Ok(())
    }

    /// So many changes each of weight, name and partitions, of all nodes in turn; those left alone keep
    /// their connections all the same.
    async fn describe(&self, changes: usize) -> anyhow::Result<()> {
        let other = Partition::try_new("other")?;
        for number in 0..changes {
            let backend = &self.backends[number % self.backends.len()];
            let mut partitions = vec![Partition::try_new("default")?];
            partitions.extend((number % 2 == 0).then(|| other.clone()));
            let weight = 1 + u16::try_from(number % 7)?;
            for patch in [
                BackendPatch {
                    weight: Some(Weight::new(weight)),
                    ..BackendPatch::default()
                },
                BackendPatch {
                    name: Some(Some(BackendName::try_new(&format!("name {number}"))?)),
                    ..BackendPatch::default()
                },
                BackendPatch {
                    partitions: Some(Partitions::try_new(partitions)?),
                    ..BackendPatch::default()
                },
            ] {
                self.store.patch(&backend.address, patch).await?;
                // A store in memory never waits, and the balancer is to hear of each change.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

/// A balancer in this process, whose nodes have a runtime of their own.
#[derive(Clone)]
struct Alone {
    fleet: Arc<Fleet>,
    store: MemoryDiscoveryStore,
    balancer: Balancer,
    _driver: Arc<Ended>,
}

/// Ends a task with its last owner.
struct Ended(AbortHandle);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Alone {
    async fn start(folder: &Path, nodes: usize) -> anyhow::Result<Self> {
        let partitions = ["default", "other"].map(Partition::try_new);
        let partitions = partitions.into_iter().collect::<Result<_, _>>()?;
        let store = MemoryDiscoveryStore::new();
        let connector = NodeConnector::new(NodeConnectorConfig {
            timeout: Duration::from_secs(2),
        });
        let (balancer, driver) = Balancer::new(
            BalancerConfig::new(partitions),
            Arc::new(store.clone()),
            Arc::new(connector),
        );
        Ok(Self {
            fleet: Arc::new(Fleet::start(folder, nodes).await?),
            store,
            balancer,
            _driver: Arc::new(Ended(tokio::spawn(driver).abort_handle())),
        })
    }

    fn tasks(&self) -> usize {
        Handle::current().metrics().num_alive_tasks()
    }

    async fn ready(&self, nodes: usize) -> anyhow::Result<()> {
        let default = Partition::try_new("default")?;
        eventually("ready nodes", PATIENCE, async || {
            let readiness = self.balancer.readiness();
            let counts = readiness.partition(&default);
            Ok(counts
                .is_some_and(|counts| counts.ready == nodes)
                .then_some(()))
        })
        .await
        .with_context(|| format!("{nodes} nodes are not ready"))
    }

    async fn ask(self) -> anyhow::Result<String> {
        let request = InvoiceRequest {
            partition: Partition::try_new("default")?,
            amount: Millisatoshi::from_sat(21),
            metadata: PayMetadata::from_served(r#"[["text/plain","a coffee"]]"#),
            expiry: Duration::from_secs(180),
            comment: None,
        };
        let issued = self.balancer.invoice(&request).await?;
        Ok(issued.node.to_string())
    }
}
