//! The shell in paused time, with nodes that are scripts. Real connections are tested against
//! simulated and real nodes.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{future::join_all, stream::BoxStream};
use switchgear_core::{
    Millisatoshi, Partition,
    backend::{Backend, BackendPatch, BackendSnapshot, SnapshotVersion},
    balance::Backoff,
    ln::{Invoice, LnClient, LnError, LnErrorKind, NodeStatus},
    lnurl::PayMetadata,
    store::{StoreError, StoreErrorKind},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What a scripted node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Good,
    Slow(Duration),
    Failing,
    Hanging,
    /// Its checks are good, its calls hang.
    HangingCalls,
    /// Its checks fail, its calls are good.
    Unsynced,
    /// Its checks panic.
    Panicking,
}

#[derive(Debug, Default)]
struct World {
    scripts: Mutex<BTreeMap<String, Script>>,
    backends: Mutex<Vec<Backend>>,
    version: watch::Sender<u64>,
    store_is_down: Mutex<bool>,
    snapshot_takes: Mutex<Duration>,
    snapshots: AtomicUsize,
    checks: AtomicUsize,
    calls: Mutex<Vec<String>>,
    dropped: AtomicUsize,
}

impl World {
    fn new(nodes: &[(&str, Script)]) -> Arc<Self> {
        let world = Self::default();
        for (name, script) in nodes {
            world.script(name, *script);
            world.backends.lock().unwrap().push(backend(name));
        }
        Arc::new(world)
    }

    fn script(&self, name: &str, script: Script) {
        self.scripts.lock().unwrap().insert(name.into(), script);
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Backend>)) {
        change(&mut self.backends.lock().unwrap());
        self.version.send_modify(|version| *version += 1);
    }

    fn start(self: &Arc<Self>, config: BalancerConfig) -> (Balancer, JoinHandle<()>) {
        let feed = Arc::new(Feed(Arc::clone(self)));
        let connector = Arc::new(Nodes(Arc::clone(self)));
        let (balancer, driver) = Balancer::new(config, feed, connector);
        (balancer, tokio::spawn(driver))
    }

    /// Starts, and waits until every node has been checked.
    async fn settle(self: &Arc<Self>, config: BalancerConfig) -> (Balancer, JoinHandle<()>) {
        let (balancer, driver) = self.start(config);
        until(|| balancer.readiness().settled).await;
        (balancer, driver)
    }

    fn calls(&self) -> Vec<String> {
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
        if *self.0.store_is_down.lock().unwrap() {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "is down"));
        }
        let version = SnapshotVersion::new(self.0.version.borrow().to_string());
        if known == Some(&version) {
            return Ok(BackendSnapshot::Unchanged);
        }
        let backends = self.0.backends.lock().unwrap().clone();
        let takes = *self.0.snapshot_takes.lock().unwrap();
        sleep(takes).await;
        Ok(BackendSnapshot::Changed { version, backends })
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        let changes = self.0.version.subscribe();
        Box::pin(futures::stream::unfold(changes, |mut changes| async {
            changes.changed().await.ok()?;
            Some(((), changes))
        }))
    }
}

#[derive(Debug)]
struct Nodes(Arc<World>);

impl Connector for Nodes {
    fn connect(&self, backend: &Backend) -> Arc<dyn LnClient> {
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
            Script::Failing => {
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
                inbound: None,
                public_key: None,
                network: None,
            }),
        }
    }
}

fn backend(name: &str) -> Backend {
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

fn config() -> BalancerConfig {
    BalancerConfig {
        verify_invoices: false,
        ..BalancerConfig::new([Partition::try_new("default").unwrap()].into())
    }
}

fn request() -> InvoiceRequest {
    InvoiceRequest {
        partition: Partition::try_new("default").unwrap(),
        amount: Millisatoshi::from_sat(1),
        metadata: PayMetadata::from_served(r#"[["text/plain","x"]]"#),
        expiry: Duration::from_secs(180),
        comment: None,
    }
}

/// Waits, in steps of paused time, until `condition` holds.
async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            sleep(MS).await;
        }
    };
    timeout(120 * SECOND, holds).await.unwrap();
}

use Script::{Failing, Good, Hanging, HangingCalls, Panicking, Slow, Unsynced};

#[tokio::test(start_paused = true)]
async fn takes_turns_over_the_healthy_nodes() {
    let world = World::new(&[("a", Good), ("b", Good), ("c", Failing)]);
    let (balancer, _driver) = world.settle(config()).await;
    for _ in 0..10 {
        let issued = balancer.invoice(&request()).await.unwrap();
        assert_eq!(issued.attempts, 1);
    }
    let calls = world.calls();
    assert_eq!(calls.iter().filter(|name| *name == "a").count(), 5);
    assert_eq!(calls.iter().filter(|name| *name == "b").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn fails_over_at_once_and_spends_one_limit_on_a_hang() {
    let world = World::new(&[("a", Good), ("b", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    world.script("a", Failing);
    for _ in 0..4 {
        assert!(balancer.invoice(&request()).await.unwrap().elapsed < 10 * MS);
    }
    until(|| balancer.readiness().partitions[0].ready == 1).await;
    world.script("a", Good);
    until(|| balancer.readiness().partitions[0].ready == 2).await;

    world.script("a", Hanging);
    let requests: Vec<_> = [request(), request()].into();
    let issued = join_all(requests.iter().map(|request| balancer.invoice(request))).await;
    for issued in issued {
        assert!(issued.unwrap().elapsed < 2 * SECOND + 10 * MS);
    }
    assert_eq!(world.dropped.load(Ordering::Relaxed), 1, "one call hung");
}

#[tokio::test(start_paused = true)]
async fn serves_a_waiting_request_from_a_node_registered_meanwhile() {
    let world = World::new(&[]);
    let (balancer, _driver) = world.settle(config()).await;
    let waiting = tokio::spawn({
        let balancer = balancer.clone();
        async move { balancer.invoice(&request()).await }
    });
    sleep(500 * MS).await;
    world.script("late", Good);
    world.change(|backends| backends.push(backend("late")));
    let issued = waiting.await.unwrap().unwrap();
    assert_eq!(issued.invoice.bolt11, "late");
    assert!(issued.elapsed < 600 * MS, "{:?}", issued.elapsed);
}

#[tokio::test(start_paused = true)]
async fn refreshes_once_for_all_who_wait() {
    let world = World::new(&[("a", Unsynced)]);
    let slow = BalancerConfig {
        health_period: 1_000 * SECOND,
        discovery_period: 1_000 * SECOND,
        ..config()
    };
    let (balancer, _driver) = world.settle(slow).await;
    let before = (
        world.snapshots.load(Ordering::Relaxed),
        world.checks.load(Ordering::Relaxed),
    );
    world.script("a", Good);
    let requests = vec![request(); 100];
    let issued = join_all(requests.iter().map(|request| balancer.invoice(request))).await;
    assert!(issued.iter().all(Result::is_ok));
    assert_eq!(world.snapshots.load(Ordering::Relaxed), before.0 + 1);
    assert_eq!(world.checks.load(Ordering::Relaxed), before.1 + 1);
}

#[tokio::test(start_paused = true)]
async fn refreshes_at_most_once_a_second() {
    let world = World::new(&[("a", Failing)]);
    let stop = BalancerConfig {
        health_period: 1_000 * SECOND,
        discovery_period: 1_000 * SECOND,
        backoff: Backoff::Stop,
        ..config()
    };
    let (balancer, _driver) = world.settle(stop).await;
    let before = world.checks.load(Ordering::Relaxed);
    let started = Instant::now();
    while started.elapsed() < 10 * SECOND {
        let answer = balancer.invoice(&request()).await;
        assert_eq!(answer, Err(NoInvoice::Exhausted));
        sleep(MS).await;
    }
    let checks = world.checks.load(Ordering::Relaxed) - before;
    assert!((8..=11).contains(&checks), "{checks}");
}

#[tokio::test(start_paused = true)]
async fn tries_nodes_whose_checks_fail_when_there_is_no_other() {
    let world = World::new(&[("a", Unsynced), ("b", Failing)]);
    let (balancer, _driver) = world.settle(config()).await;
    assert!(!balancer.readiness().is_ready());
    let issued = balancer.invoice(&request()).await.unwrap();
    assert_eq!(issued.invoice.bolt11, "a");
}

#[tokio::test(start_paused = true)]
async fn asks_no_node_that_was_disabled_or_removed() {
    let world = World::new(&[("a", Good), ("b", Good), ("c", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    world.change(|backends| {
        BackendPatch::enabled(false).apply(&mut backends[0]);
        backends.remove(1);
    });
    until(|| balancer.readiness().partitions[0].ready == 1).await;
    assert_eq!(balancer.readiness().partitions[0].total, 2);
    for _ in 0..10 {
        balancer.invoice(&request()).await.unwrap();
    }
    assert!(world.calls().iter().all(|name| name == "c"));
}

#[tokio::test(start_paused = true)]
async fn serves_what_it_knew_while_discovery_is_down() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    *world.store_is_down.lock().unwrap() = true;
    let before = world.snapshots.load(Ordering::Relaxed);
    sleep(10 * SECOND).await;
    assert!(world.snapshots.load(Ordering::Relaxed) > before);
    assert!(balancer.invoice(&request()).await.is_ok());

    world.script("b", Good);
    *world.store_is_down.lock().unwrap() = false;
    world.change(|backends| backends.push(backend("b")));
    until(|| balancer.readiness().partitions[0].ready == 2).await;
}

#[tokio::test(start_paused = true)]
async fn hears_a_change_that_came_while_it_asked() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world
        .settle(BalancerConfig {
            discovery_period: 1_000 * SECOND,
            ..config()
        })
        .await;
    *world.snapshot_takes.lock().unwrap() = SECOND;
    world.change(|backends| backends.push(backend("b")));
    sleep(500 * MS).await;
    // The look under way has read the store already.
    world.change(|backends| backends.push(backend("c")));
    world.script("b", Good);
    world.script("c", Good);
    timeout(
        5 * SECOND,
        until(|| balancer.readiness().partitions[0].ready == 3),
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn takes_a_node_back_soon_though_many_calls_hung() {
    let world = World::new(&[("a", Good), ("b", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    world.script("a", HangingCalls);
    let requests = vec![request(); 100];
    let issued = join_all(requests.iter().map(|request| balancer.invoice(request))).await;
    assert!(issued.iter().all(Result::is_ok));
    until(|| balancer.readiness().partitions[0].ready == 1).await;
    world.script("a", Good);
    let back = async {
        while balancer.readiness().partitions[0].ready < 2 {
            balancer.invoice(&request()).await.unwrap();
            sleep(10 * MS).await;
        }
    };
    timeout(3 * SECOND, back).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn checks_a_node_in_spite_of_others_that_hang() {
    for parallel_health_checks in [true, false] {
        let world = World::new(&[("a", Hanging), ("b", Hanging), ("c", Good)]);
        let config = BalancerConfig {
            parallel_health_checks,
            ..config()
        };
        let started = Instant::now();
        let (balancer, _driver) = world.start(config);
        until(|| balancer.readiness().partitions[0].ready == 1).await;
        let elapsed = started.elapsed();
        if parallel_health_checks {
            assert!(elapsed < 100 * MS, "{elapsed:?}");
        } else {
            assert!(elapsed < 5 * SECOND, "{elapsed:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn takes_a_check_that_panics_for_a_failed_one_and_goes_on() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    assert!(balancer.readiness().is_ready());
    world.script("a", Panicking);
    until(|| !balancer.readiness().is_ready()).await;
    let issued = balancer.invoice(&request()).await.unwrap();
    assert_eq!(issued.invoice.bolt11, "a", "the refresh ended all the same");
    world.script("a", Good);
    until(|| balancer.readiness().is_ready()).await;
}

#[tokio::test(start_paused = true)]
async fn drops_its_calls_with_the_request() {
    let world = World::new(&[("a", Slow(SECOND))]);
    let (balancer, _driver) = world.settle(config()).await;
    let late = timeout(100 * MS, balancer.invoice(&request())).await;
    assert!(late.is_err());
    assert_eq!(world.dropped.load(Ordering::Relaxed), 1);
    assert!(balancer.invoice(&request()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn ends_with_its_last_handle() {
    let world = World::new(&[("a", Good)]);
    let (balancer, driver) = world.settle(config()).await;
    let other = balancer.clone();
    drop(balancer);
    assert!(other.invoice(&request()).await.is_ok());
    drop(other);
    timeout(SECOND, driver).await.unwrap().unwrap();
    let before = world.checks.load(Ordering::Relaxed);
    sleep(10 * SECOND).await;
    assert_eq!(world.checks.load(Ordering::Relaxed), before);
}

#[tokio::test(start_paused = true)]
async fn says_so_when_its_driver_is_gone() {
    let world = World::new(&[("a", Good)]);
    let (balancer, driver) = world.settle(config()).await;
    driver.abort();
    assert!(driver.await.unwrap_err().is_cancelled());
    assert_eq!(balancer.invoice(&request()).await, Err(NoInvoice::Closed));
}
