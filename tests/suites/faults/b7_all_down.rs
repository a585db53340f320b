use std::time::Duration;

use serde_json::Value;
use switchgear_ln::sim::Fault;
use switchgear_tests::eventually;
use tokio::time::sleep_until;

use crate::{
    load::{Load, Pace},
    row::{Row, measure},
    size::{seconds, size},
    stage::{PATIENCE, Stage},
};

const DOWN_AFTER: Duration = Duration::from_secs(1);

/// The default of `backoff.max-elapsed-time-secs`, by which each request has its answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a check may take to be due, twice.
const TWO_CHECKS: Duration = Duration::from_millis(2_200);

/// When things happened, from the load's start.
#[derive(Debug, Default)]
struct Times {
    down: Duration,
    told: Duration,
    back: Duration,
}

/// Nobody can make an invoice for a while, then one node can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b7_answers_in_time_while_all_nodes_are_down_and_serves_when_one_is_back()
-> anyhow::Result<()> {
    measure(all_down_then_one_back).await
}

async fn all_down_then_one_back() -> anyhow::Result<Row> {
    let stage = Stage::start(3, &[]).await?;
    let down_for = seconds(6, 30);
    let length = DOWN_AFTER + down_for + seconds(4, 10);
    let mut times = Times::default();
    let load = Pace::new(size(50, 200), length)
        .run(&stage, async |start| {
            sleep_until(start + DOWN_AFTER).await;
            stage.fleet.set_fault_of_all(Some(Fault::Die)).await?;
            times.down = start.elapsed();
            let unready = eventually("/health/full to fail", PATIENCE, async || {
                let (status, health) = stage.health().await?;
                Ok((status == 500).then_some(health))
            });
            let health = unready.await?;
            assert_eq!(health["reason"], "no lightning node is ready");
            times.told = start.elapsed();
            sleep_until(start + DOWN_AFTER + down_for).await;
            times.back = start.elapsed();
            stage.fleet.set_fault(0, None).await
        })
        .await?;
    for index in 0..3 {
        assert!(stage.fleet.faults_served(index) > 0, "each was killed");
    }
    let (status, _) = stage.health().await?;
    assert_eq!(status, 200);
    let row = row(&load, &times, &stage);
    stage.end().await?;
    Ok(row)
}

fn row(load: &Load, times: &Times, stage: &Stage) -> Row {
    let before = load.window(Duration::ZERO..DOWN_AFTER);
    // Who asks this late may still be served by the node that comes back.
    let down = load.window(times.down..times.back);
    let good = load.first_invoice_after(times.back);
    let served = load.window(times.back + Duration::from_secs(3)..Duration::MAX);
    let first = good.map(|good| good.saturating_sub(times.back));
    let told = times.told.saturating_sub(times.down);

    let mut row = Row::new("B7", "all three nodes killed, then one back");
    row.figure(format!("while down: {}", down.in_words()));
    row.figure(format!("unready after {told:.1?}"));
    row.figure(format!(
        "first invoice {:.1?} after the return",
        first.unwrap_or(Duration::MAX)
    ));
    row.must("0 failed before", before.failures.is_empty());
    row.must("requests fail while all are down", down.failed() > 0);
    row.must_be_within(
        "each is answered",
        down.slowest(),
        DEADLINE + Duration::from_millis(100),
    );
    let right = |failure: &String| is_lnurl_error(failure, stage);
    row.must(
        "by 502 and an LNURL error that names no node",
        down.failures.iter().all(right),
    );
    row.must(
        "/health/full fails within 2 checks",
        told <= TWO_CHECKS + down.slowest().lag,
    );
    row.must(
        "first invoice ≤ 3 s after the return",
        first.is_some_and(|first| first <= Duration::from_secs(3)),
    );
    row.must_not_fail(&served);
    row
}

/// Whether a wallet was told, as LUD-06 says, that there is no invoice, and nothing of the nodes.
fn is_lnurl_error(failure: &str, stage: &Stage) -> bool {
    let Some(body) = failure.strip_prefix("502 Bad Gateway: ") else {
        return false;
    };
    let Ok(body) = serde_json::from_str::<Value>(body) else {
        return false;
    };
    let reason = body["reason"].as_str().unwrap_or_default();
    let mut nodes = stage.fleet.nodes();
    let names_a_node = nodes.any(|node| {
        reason.contains(&node.address().port().to_string())
            || reason.contains(&node.public_key().to_string())
    });
    body["status"] == "ERROR" && !reason.is_empty() && !names_a_node
}
