use std::{sync::Arc, time::Duration};

use switchgear_core::backend::DiscoveryBackendStore as _;
use switchgear_examples::Wallet;
use switchgear_ln::sim::{Fault, FaultKind, SimLie, SimNode};
use tempfile::TempDir;
use tokio::time::sleep_until;

use crate::{
    apart::Apart,
    b10_stores_gone::{COFFEE, put_offer},
    fleet::Fleet,
    row::{Row, measure},
    size::seconds,
    stage::Customer,
    steady::asking_while,
    window::{Window, percent},
};

const NODES: usize = 3;

/// What happened while the storm lasted.
struct Storm {
    lasted: Duration,
    all: Window,
    /// Invoices made by the nodes, and calls that failed.
    attempts: usize,
    checks: usize,
    discovery_reads: usize,
}

/// Half of the invoices asked for are no good; what is asked again must not add up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b8_a_storm_of_retries_does_not_feed_itself() -> anyhow::Result<()> {
    let what = "three nodes fail every second invoice call at 300 requests/s";
    measure(async || Ok(storm(Fault::Lie(SimLie::Garbage)).await?.row(what))).await
}

/// Half of all calls fail, so that health comes and goes as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b8_a_storm_of_retries_does_not_feed_itself_when_checks_fail_too() -> anyhow::Result<()> {
    let busy = Fault::Status {
        code: 14,
        text: "busy".to_owned(),
    };
    let what = "three nodes fail every second call, checks included, at 300 requests/s";
    measure(async || Ok(storm(busy.clone()).await?.row(what))).await
}

async fn storm(fault: Fault) -> anyhow::Result<Storm> {
    let folder = TempDir::with_prefix("nodes-")?;
    let fleet = Arc::new(Fleet::start(folder.path(), NODES).await?);
    let apart = Apart::start(async |backends, offers| {
        for index in 0..NODES {
            backends.post(fleet.backend(index, "default")?).await?;
        }
        put_offer(offers, COFFEE, "a coffee").await
    })
    .await?;
    apart.ready(NODES).await?;
    let offer = format!("{}/offers/default/{COFFEE}", apart.url());
    let customer = Customer::new(&fleet, &Wallet::new(), &offer);
    let ask = || {
        let customer = customer.clone();
        async move { customer.ask(21_000).await }
    };

    fleet
        .set_fault_of_all(Some(Fault::one_in(2, fault)))
        .await?;
    let calls = total(&fleet, |node| node.calls());
    let good = total(&fleet, good_invoices);
    let reads = apart.discovery.logged("clf::discovery")?;
    let (lasted, samples) = asking_while(300, ask, async |start| {
        sleep_until(start + seconds(4, 60)).await;
        Ok(start.elapsed())
    })
    .await?;
    let failed_calls =
        apart.logged("made no invoice")? + apart.logged("gave no invoice in time")?;
    let attempts = total(&fleet, good_invoices) - good + failed_calls;
    Ok(Storm {
        lasted,
        all: Window::of(&samples, Duration::ZERO..Duration::MAX),
        attempts,
        checks: (total(&fleet, |node| node.calls()) - calls).saturating_sub(attempts),
        discovery_reads: apart.discovery.logged("clf::discovery")? - reads,
    })
}

impl Storm {
    fn row(&self, what: &str) -> Row {
        let Self { all, attempts, .. } = self;
        let success = 100.0 - percent(all.failed(), all.sent);
        let mean = *attempts as f64 / all.sent as f64;
        // Each period is a second, a tenth shorter by chance, and a refresh may come each second; the last
        // requests may take some seconds more.
        let turns = (self.lasted.as_secs_f64() + 5.0) * (1.0 / 0.9 + 1.0);
        // A check is two calls: of the node's state, and of its channels.
        let checks = 2.0 * turns * NODES as f64;

        let mut row = Row::new("B8", what);
        row.figure(all.in_words());
        row.figure(format!(
            "{success:.2}% served, {mean:.2} attempts a request"
        ));
        row.figure(format!(
            "{} calls of checks, {} reads of discovery in {:.0?}",
            self.checks, self.discovery_reads, self.lasted
        ));
        assert!(*attempts > all.sent, "calls failed");
        row.must("success ≥ 99%", success >= 99.0);
        row.must("mean attempts ≤ 2.5", mean <= 2.5);
        row.must(
            "checks at their period and one refresh a second",
            self.checks as f64 <= checks,
        );
        row.must(
            "discovery reads at their period and one refresh a second",
            self.discovery_reads as f64 <= turns,
        );
        row
    }
}

fn good_invoices(node: &SimNode) -> u64 {
    let wrong = node.counters().of(FaultKind::Lie);
    node.invoices_made().saturating_sub(wrong)
}

fn total(fleet: &Fleet, of: impl Fn(&SimNode) -> u64) -> usize {
    let all: u64 = fleet.nodes().map(of).sum();
    usize::try_from(all).unwrap_or(usize::MAX)
}
