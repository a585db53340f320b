use std::time::Duration;

use switchgear_ln::sim::Fault;
use tokio::time::sleep_until;

use crate::{
    load::{Load, Pace},
    row::{Row, measure},
    size::seconds,
    stage::Stage,
};

/// The default of `ln-client-timeout-secs`, which bounds each attempt.
const ATTEMPT: Duration = Duration::from_secs(2);

const FROZEN_AFTER: Duration = Duration::from_secs(1);

/// The process of a node stands still: its kernel takes all that is sent to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_no_request_fails_when_one_of_three_nodes_freezes() -> anyhow::Result<()> {
    measure(without_a_hedge).await
}

async fn without_a_hedge() -> anyhow::Result<Row> {
    let stage = Stage::start(3, &[]).await?;
    let load = one_of_three_freezes(&stage).await?;
    let behind = load.window(FROZEN_AFTER..Duration::MAX);
    let marked = load.window(FROZEN_AFTER + ATTEMPT + Duration::from_secs(1)..Duration::MAX);
    let mut row = Row::new("B2", "one node of three frozen at 200 requests/s");
    row.figure(load.all().in_words());
    row.figure(format!("p99 {} once it was marked", marked.p99()));
    row.must_not_fail(&load.all());
    row.must_be_within(
        "each waits",
        behind.slowest(),
        ATTEMPT + Duration::from_millis(100),
    );
    row.must_be_within("p99 once marked", marked.p99(), Duration::from_millis(250));
    stage.end().await?;
    Ok(row)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_with_a_hedge_nobody_feels_that_one_of_three_nodes_freezes() -> anyhow::Result<()> {
    measure(with_a_hedge).await
}

async fn with_a_hedge() -> anyhow::Result<Row> {
    let stage = Stage::start(3, &["hedge-after-secs: 0.05"]).await?;
    let load = one_of_three_freezes(&stage).await?;
    let all = load.all();
    let mut row = Row::new(
        "B2",
        "one node of three frozen at 200 requests/s, hedged after 50 ms",
    );
    row.figure(all.in_words());
    row.must_not_fail(&all);
    row.must_be_within("p99 throughout", all.p99(), Duration::from_millis(120));
    stage.end().await?;
    Ok(row)
}

async fn one_of_three_freezes(stage: &Stage) -> anyhow::Result<Load> {
    let pace = Pace::new(200, seconds(5, 60));
    let load = pace
        .run(stage, async |start| {
            sleep_until(start + FROZEN_AFTER).await;
            stage.fleet.set_fault(0, Some(Fault::Freeze)).await
        })
        .await?;
    let before = load.window(Duration::ZERO..FROZEN_AFTER);
    assert!(before.share("n1") > 20.0, "the node took part before");
    assert!(stage.fleet.faults_served(0) > 0, "it was frozen");
    Ok(load)
}
