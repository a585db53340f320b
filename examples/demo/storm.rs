use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use switchgear_examples::{PayOffer, Wallet};
use switchgear_ln::sim::Fault;
use tokio::time::{MissedTickBehavior, interval};

use crate::fleet::Nodes;

/// Between two invoices.
const PACE: Duration = Duration::from_millis(50);

/// Asks for invoices at an even pace, whether or not the last one has come, and lets a fault happen to
/// a node while some are under way; prints who made them, and says how many failed.
pub(crate) async fn storm(
    title: &str,
    wallet: &Wallet,
    offer: &PayOffer,
    nodes: &Nodes,
    mut fault: Option<(usize, Fault)>,
) -> anyhow::Result<usize> {
    const INVOICES: u64 = 60;
    const FAULT_AT: u64 = 10;

    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = FuturesUnordered::new();
    for number in 0..INVOICES {
        pace.tick().await;
        if number == FAULT_AT
            && let Some((node, fault)) = fault.take()
        {
            nodes.break_down(node, fault).await?;
        }
        let (wallet, offer) = (wallet.clone(), offer.clone());
        under_way.push(tokio::spawn(async move {
            let asked = Instant::now();
            let invoice = wallet.invoice(&offer, 1_000 * (1 + number)).await;
            (invoice, asked.elapsed())
        }));
    }

    let mut made = BTreeMap::<_, u64>::new();
    let (mut failures, mut times) = (Vec::new(), Vec::new());
    while let Some(ended) = under_way.next().await {
        match ended {
            Ok((Ok(invoice), time)) => {
                *made.entry(nodes.name(&invoice.payee)).or_default() += 1;
                times.push(time);
            }
            Ok((Err(error), _)) => failures.push(error),
            Err(panic) => failures.push(panic.into()),
        }
    }
    times.sort_unstable();
    let made: Vec<_> = made.iter().map(|(node, n)| format!("{node} {n}")).collect();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let slowest = times.last().copied().unwrap_or_default();
    println!(
        "  {title:<24} {INVOICES} invoices: {:<20} {} failed   median {median:.1?}, slowest {slowest:.1?}",
        made.join(", "),
        failures.len(),
    );
    for error in &failures {
        println!("    {error:#}");
    }
    Ok(failures.len())
}

/// Asks for invoices until each node has made one; says how long that took.
pub(crate) async fn until_all_take_part(
    wallet: &Wallet,
    offer: &PayOffer,
    nodes: &Nodes,
) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let mut makers = BTreeSet::new();
    let mut pace = interval(PACE);
    while makers.len() < nodes.len() {
        pace.tick().await;
        makers.insert(wallet.invoice(offer, 1_000).await?.payee);
        anyhow::ensure!(
            started.elapsed() < Nodes::PATIENCE,
            "only {} nodes make invoices",
            makers.len()
        );
    }
    Ok(started.elapsed())
}
