use std::time::Duration;

use switchgear_ln::sim::Fault;
use tokio::time::sleep_until;

use crate::{
    load::Pace,
    row::{Row, measure},
    size::seconds,
    stage::Stage,
};

/// The process of a node is gone: its connections break, and new ones are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b1_no_request_fails_when_one_of_three_nodes_is_killed() -> anyhow::Result<()> {
    measure(one_of_three_is_killed).await
}

async fn one_of_three_is_killed() -> anyhow::Result<Row> {
    const KILLED_AFTER: Duration = Duration::from_secs(2);

    let stage = Stage::start(3, &[]).await?;
    let pace = Pace::new(200, seconds(5, 60));
    let load = pace
        .run(&stage, async |start| {
            sleep_until(start + KILLED_AFTER).await;
            stage.fleet.set_fault(0, Some(Fault::Die)).await
        })
        .await?;

    let before = load.window(Duration::ZERO..KILLED_AFTER);
    let behind = load.window(KILLED_AFTER..Duration::MAX);
    let mut row = Row::new("B1", "one node of three killed at 200 requests/s");
    row.figure(load.all().in_words());
    row.figure(format!("in the fault window p99 {}", behind.p99()));
    row.must("the node took part before", before.share("n1") > 20.0);
    row.must("it was killed", stage.fleet.faults_served(0) > 0);
    row.must_not_fail(&load.all());
    row.must_be_within(
        "p99 in the fault window",
        behind.p99(),
        Duration::from_millis(250),
    );
    stage.end().await?;
    Ok(row)
}
