use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use switchgear_core::{
    Millisatoshi, Partition,
    backend::{
        Backend, BackendName, BackendPatch, DiscoveryBackendStore as _, DiscoveryFeed as _,
        Partitions, Weight,
    },
    ln::{InvoiceRequest, LnBalancer as _},
    lnurl::PayMetadata,
};
use switchgear_ln::{
    balancer::{Balancer, BalancerConfig},
    pool::{NodeConnector, NodeConnectorConfig},
};
use switchgear_stores::memory::MemoryDiscoveryStore;
use switchgear_tests::eventually;
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, interval},
};

use crate::{
    fleet::Fleet, load::Sample, meter::Meter, row::Row, size::size, stage::PATIENCE,
    steady::asking_while, window::Window,
};

const NODES: usize = 500;
const PARTITIONS: usize = 50;

/// Nodes that are not registered at first, and come and go.
const SPARE: usize = 10;

const CHANGES_PER_SECOND: u32 = 5;

/// Each stretch, quiet or with changes.
const STRETCH: Duration = Duration::from_secs(1);

/// 500 nodes of their own, all connected, on one thread; the balancer has another. Its driver's time on a
/// processor is counted, and what a snapshot of the store takes. Stretches with changes alternate with
/// quiet ones, and each is compared with its neighbour: the machine's other work then weighs on both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b11_a_fleet_of_500_nodes_serves_undisturbed_by_five_changes_a_second() -> anyhow::Result<()>
{
    let folder = TempDir::with_prefix("nodes-")?;
    let large = Arc::new(LargeFleet::start(folder.path()).await?);
    large.ready().await?;
    large.driver.forget_longest();
    let ask = || large.clone().ask();
    let pairs = size(9, 31);
    let script = async |start: Instant| {
        let mut changes = large.changes();
        let mut stretches = Vec::new();
        for number in 0..pairs {
            let mut pass = async |with_changes: bool| {
                let changes = with_changes.then_some(&mut changes);
                Stretch::pass(&large, start, changes).await
            };
            let first = pass(number % 2 == 0).await?;
            let second = pass(number % 2 == 1).await?;
            stretches.push(match number % 2 {
                0 => (second, first),
                _ => (first, second),
            });
        }
        anyhow::Ok((changes, stretches))
    };
    let ((changes, stretches), samples) = asking_while(200, ask, script).await?;
    changes.all_seen().await?;

    let all = Window::of(&samples, Duration::ZERO..Duration::MAX);
    let snapshot = large.snapshot().await?;
    let reload = changes.cost(&stretches) + milliseconds(snapshot.total());
    let longest = milliseconds(large.driver.longest() + snapshot.longest());
    let later = median(stretches.iter().map(|pair| later(pair, &samples)).collect());
    let mut row = Row::new("B11", "500 nodes, 50 partitions, 5 changes/s");
    row.figure(all.in_words());
    row.figure(format!(
        "{} changes, {reload:.2} ms CPU each, the longest {longest:.1} ms",
        changes.made
    ));
    row.figure(format!("p99 {later:+.1} ms beside the quiet stretches"));
    row.must_not_fail(&all);
    row.must("5 changes/s were made", changes.made >= changes.due(pairs));
    row.must("100 ms CPU at most for each", longest <= 100.0);
    row.must("p99 + 5 ms at most", later <= 5.0);
    row.finish()
}

/// A stretch of the load, and what the balancer's driver worked in it.
struct Stretch {
    range: Range<Duration>,
    worked: Duration,
}

impl Stretch {
    async fn pass(
        large: &LargeFleet,
        start: Instant,
        mut changes: Option<&mut Changes<'_>>,
    ) -> anyhow::Result<Self> {
        let (since, worked_before) = (start.elapsed(), large.driver.total());
        let mut ticks = interval(Duration::from_secs(1) / CHANGES_PER_SECOND);
        for _ in 0..STRETCH.as_secs() * u64::from(CHANGES_PER_SECOND) {
            ticks.tick().await;
            if let Some(changes) = &mut changes {
                changes.next().await?;
            }
        }
        // The last change's share of time.
        ticks.tick().await;
        Ok(Self {
            range: since..start.elapsed(),
            worked: large.driver.total() - worked_before,
        })
    }

    /// What one percent of its requests exceeded, from when each was sent: the load generator is not what
    /// is measured.
    fn p99(&self, samples: &[Sample]) -> Duration {
        let mut times: Vec<_> = samples
            .iter()
            .filter(|sample| self.range.contains(&sample.due))
            .map(|sample| sample.took.saturating_sub(sample.lag))
            .collect();
        times.sort_unstable();
        times
            .get(times.len() * 99 / 100)
            .copied()
            .unwrap_or_default()
    }
}

/// By how many milliseconds the p99 of a stretch with changes was above that of the quiet one beside it.
fn later((quiet, busy): &(Stretch, Stretch), samples: &[Sample]) -> f64 {
    milliseconds(busy.p99(samples)) - milliseconds(quiet.p99(samples))
}

fn milliseconds(time: Duration) -> f64 {
    1_000.0 * time.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The changes of a fleet: of weight, of name, of partition, a node more, a node less.
struct Changes<'a> {
    large: &'a LargeFleet,
    made: usize,
    /// Of the nodes that were moved: how far.
    moved: BTreeMap<usize, usize>,
}

impl Changes<'_> {
    async fn next(&mut self) -> anyhow::Result<()> {
        let number = self.made;
        self.made += 1;
        // Spread over nodes and partitions.
        let index = number * 37 % NODES;
        let spare = NODES + number / 5 % SPARE;
        let store = &self.large.store;
        let patch = match number % 5 {
            0 => BackendPatch {
                weight: Some(Weight::new(1 + u16::try_from(number % 7)?)),
                ..BackendPatch::default()
            },
            1 => BackendPatch {
                name: Some(Some(BackendName::try_new(&format!("name {number}"))?)),
                ..BackendPatch::default()
            },
            2 => {
                let moved = self.moved.entry(index).or_default();
                *moved += 1;
                BackendPatch {
                    partitions: Some(Partitions::try_new([partition(index + *moved)?])?),
                    ..BackendPatch::default()
                }
            }
            3 => return Ok(store.post(self.large.backend(spare)?).await?),
            _ => return Ok(store.delete(&self.large.backend(spare)?.address).await?),
        };
        let address = self.large.backend(index)?.address;
        Ok(store.patch(&address, patch).await?)
    }

    /// How many there must be after so many stretches.
    fn due(&self, stretches: usize) -> usize {
        let each = STRETCH.as_secs() * u64::from(CHANGES_PER_SECOND);
        stretches * usize::try_from(each).unwrap_or(usize::MAX)
    }

    /// Milliseconds of processor time for each change: what the stretches with changes took beyond those
    /// without.
    fn cost(&self, stretches: &[(Stretch, Stretch)]) -> f64 {
        let quiet: Duration = stretches.iter().map(|(quiet, _)| quiet.worked).sum();
        let busy: Duration = stretches.iter().map(|(_, busy)| busy.worked).sum();
        (milliseconds(busy) - milliseconds(quiet)) / self.made as f64
    }

    /// Waits until each partition has as many ready nodes as were put there.
    async fn all_seen(&self) -> anyhow::Result<()> {
        let mut expected = vec![0; PARTITIONS];
        for index in 0..NODES {
            let moved = self.moved.get(&index).copied().unwrap_or_default();
            expected[(index + moved) % PARTITIONS] += 1;
        }
        let whole_cycles = self.made.is_multiple_of(5);
        anyhow::ensure!(whole_cycles, "a spare node is left over");
        self.large.has(&expected).await
    }
}

/// Nodes, and a balancer over them with a thread of its own.
struct LargeFleet {
    fleet: Fleet,
    store: MemoryDiscoveryStore,
    balancer: Balancer,
    driver: Arc<Meter>,
    thread: Option<Runtime>,
    asked: AtomicUsize,
}

impl LargeFleet {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
        let fleet = Fleet::start(folder, NODES + SPARE).await?;
        let partitions = (0..PARTITIONS).map(partition).collect::<Result<_, _>>()?;
        let config = BalancerConfig {
            // So many checks would be most of the load on a small machine.
            health_period: Duration::from_secs(5),
            ..BalancerConfig::new(partitions)
        };
        let store = MemoryDiscoveryStore::new();
        let connector = NodeConnector::new(NodeConnectorConfig {
            timeout: Duration::from_secs(5),
        });
        let (balancer, driver) =
            Balancer::new(config, Arc::new(store.clone()), Arc::new(connector));
        let thread = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("balancer")
            .enable_all()
            .build()?;
        let meter = Arc::new(Meter::default());
        let metered = Arc::clone(&meter);
        thread.spawn(async move { metered.run(driver).await });
        let large = Self {
            fleet,
            store,
            balancer,
            driver: meter,
            thread: Some(thread),
            asked: AtomicUsize::new(0),
        };
        for index in 0..NODES {
            large.store.post(large.backend(index)?).await?;
        }
        Ok(large)
    }

    fn backend(&self, index: usize) -> anyhow::Result<Backend> {
        self.fleet.backend(index, partition(index)?.as_str())
    }

    fn changes(&self) -> Changes<'_> {
        Changes {
            large: self,
            made: 0,
            moved: BTreeMap::new(),
        }
    }

    /// One snapshot of the store, as each change makes the balancer take.
    async fn snapshot(&self) -> anyhow::Result<Meter> {
        let meter = Meter::default();
        meter.run(self.store.snapshot(None)).await?;
        Ok(meter)
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.has(&[NODES / PARTITIONS; PARTITIONS]).await
    }

    async fn has(&self, expected: &[usize]) -> anyhow::Result<()> {
        eventually("ready nodes in each partition", 3 * PATIENCE, async || {
            let readiness = self.balancer.readiness();
            let ready = readiness.partitions.iter().map(|partition| partition.ready);
            Ok(ready.eq(expected.iter().copied()).then_some(()))
        })
        .await
        .with_context(|| format!("{:?}", self.balancer.readiness()))
    }

    /// An invoice of one partition after the other.
    async fn ask(self: Arc<Self>) -> anyhow::Result<String> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let request = InvoiceRequest {
            partition: partition(number)?,
            amount: Millisatoshi::from_sat(21),
            metadata: PayMetadata::from_served(r#"[["text/plain","a coffee"]]"#),
            expiry: Duration::from_secs(180),
            comment: None,
        };
        let issued = self.balancer.invoice(&request).await?;
        Ok(issued.node.to_string())
    }
}

impl Drop for LargeFleet {
    fn drop(&mut self) {
        // A runtime that is dropped among async tasks would wait, and panic.
        if let Some(thread) = self.thread.take() {
            thread.shutdown_background();
        }
    }
}

/// In alphabetical order as in that of their numbers.
fn partition(number: usize) -> anyhow::Result<Partition> {
    Ok(Partition::try_new(&format!("p{:02}", number % PARTITIONS))?)
}
