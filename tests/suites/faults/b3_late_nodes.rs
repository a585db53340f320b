use std::time::Duration;

use switchgear_ln::sim::Fault;
use tokio::time::sleep_until;

use crate::{
    load::Pace,
    row::Row,
    size::{seconds, size},
    stage::Stage,
    window::percent,
};

/// When the nodes become late, and by when they must have been noticed.
const LATE_AFTER: Duration = Duration::from_secs(1);
const NOTICED_AFTER: Duration = Duration::from_secs(6);

/// Later than any attempt may take, one way or another.
const LATE: [Fault; 3] = [
    Fault::Slow(Duration::from_secs(3)),
    Fault::Trickle(Duration::from_millis(50)),
    Fault::StallAfterHeaders,
];

/// Two nodes are well, and beside them are one of each that is late; at length also each alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b3_no_request_fails_and_load_moves_away_from_nodes_that_are_late() -> anyhow::Result<()> {
    let alone = LATE.iter().map(|fault| vec![fault.clone()]);
    for late in size(vec![], alone.collect()) {
        two_good_nodes_and(&late).await?;
    }
    two_good_nodes_and(&LATE).await
}

async fn two_good_nodes_and(late: &[Fault]) -> anyhow::Result<()> {
    let stage = Stage::start(late.len() + 2, &[]).await?;
    let mut calls_when_noticed = Vec::new();
    let load = Pace::new(200, seconds(7, 60))
        .run(&stage, async |start| {
            sleep_until(start + LATE_AFTER).await;
            for (index, fault) in late.iter().enumerate() {
                stage.fleet.set_fault(index, Some(fault.clone())).await?;
            }
            sleep_until(start + NOTICED_AFTER).await;
            calls_when_noticed = calls(&stage);
            Ok(())
        })
        .await?;

    let noticed = load.window(NOTICED_AFTER..Duration::MAX);
    let calls = calls(&stage);
    let calls: Vec<_> = calls
        .iter()
        .zip(calls_when_noticed)
        .map(|(after, before)| after - before)
        .collect();
    let mut row = Row::new("B3", format!("late nodes beside two good ones: {late:?}"));
    row.figure(load.all().in_words());
    row.must_not_fail(&load.all());
    for index in 0..late.len() {
        let name = format!("n{}", index + 1);
        let felt = stage.fleet.faults_served(index);
        assert!(felt > 0, "{name} was late");
        let before = load.window(Duration::ZERO..LATE_AFTER);
        assert!(before.share(&name) > 5.0, "{name} took part before");
        // Its calls hold its health checks too, which only makes this stricter.
        let share = percent(calls[index], calls.iter().sum());
        row.figure(format!("share of {name} {share:.1}%"));
        row.must(
            format!("share of {name} ≤ 5% within 5 s"),
            share <= 5.0 && noticed.share(&name) <= 5.0,
        );
    }
    row.finish()?;
    stage.end().await
}

fn calls(stage: &Stage) -> Vec<usize> {
    let calls = stage.fleet.nodes().map(|node| node.calls());
    calls.filter_map(|calls| calls.try_into().ok()).collect()
}
