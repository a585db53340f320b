use std::time::Duration;

use switchgear_ln::sim::SimNodeConfig;
use switchgear_tests::eventually;
use tempfile::TempDir;
use tokio::time::{Instant, sleep_until};

use crate::{
    fleet::Fleet,
    load::{Load, Pace},
    network::{self, OtherSide, Place},
    row::{Row, measure},
    size::seconds,
    stage::{PATIENCE, Stage},
};

/// The default of `ln-client-timeout-secs`, which bounds each attempt.
const ATTEMPT: Duration = Duration::from_secs(2);

const LOST_AFTER: Duration = Duration::from_secs(2);

/// Everything sent to a node disappears: no refusal, no reset, a connection that is open on one side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_no_request_fails_when_one_of_three_nodes_becomes_a_black_hole() -> anyhow::Result<()> {
    let test = "b2_black_hole::b2_no_request_fails_when_one_of_three_nodes_becomes_a_black_hole";
    if network::enter(test)? == Place::Done {
        return Ok(());
    }
    measure(one_of_three_becomes_a_black_hole).await
}

async fn one_of_three_becomes_a_black_hole() -> anyhow::Result<Row> {
    let network = OtherSide::new(3)?;
    let folder = TempDir::with_prefix("nodes-")?;
    let configs = (0..3).map(|index| {
        let name = format!("n{}", index + 1);
        SimNodeConfig::new(&name, folder.path().join(&name))
            .with_address(network::listen_address(index))
    });
    let fleet = Fleet::start_with(configs, network.entrance()?).await?;
    let stage = Stage::before(fleet, &[]).await?;
    assert!(network::connections_to(0)? > 0, "it is connected before");

    let mut noticed = Duration::ZERO;
    let pace = Pace::new(200, seconds(8, 60));
    let load = pace
        .run(&stage, async |start| {
            sleep_until(start + LOST_AFTER).await;
            network.lose(0)?;
            let lost = Instant::now();
            eventually("the end of the dead connection", PATIENCE, async || {
                Ok((network::connections_to(0)? == 0).then_some(()))
            })
            .await?;
            noticed = lost.elapsed();
            Ok(())
        })
        .await?;
    assert!(network.packets_lost()? > 0);

    network.restore(0)?;
    eventually(
        "an invoice of the node that is back",
        PATIENCE,
        async || Ok((stage.wallet().ask(1_000).await? == "n1").then_some(())),
    )
    .await?;

    let mut row = row(&load, network.packets_lost()?);
    row.figure(format!("dead link noticed after {noticed:.1?}"));
    row.must(
        "dead link noticed ≤ 10 s",
        noticed <= Duration::from_secs(10),
    );
    stage.end().await?;
    Ok(row)
}

fn row(load: &Load, packets_lost: u64) -> Row {
    let behind = load.window(LOST_AFTER..Duration::MAX);
    // By then a check has told that the node is down.
    let marked = load.window(LOST_AFTER + ATTEMPT + Duration::from_secs(1)..Duration::MAX);
    let mut row = Row::new(
        "B2",
        "all packets of one node of three lost at 200 requests/s",
    );
    row.figure(load.all().in_words());
    row.figure(format!("{packets_lost} packets lost"));
    row.figure(format!("p99 {} once it was marked", marked.p99()));
    row.must_not_fail(&load.all());
    row.must_be_within(
        "each waits",
        behind.slowest(),
        ATTEMPT + Duration::from_millis(100),
    );
    row.must_be_within("p99 once marked", marked.p99(), Duration::from_millis(250));
    row
}
