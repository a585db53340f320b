use std::time::Duration;

use switchgear_ln::sim::Fault;
use tokio::time::sleep_until;

use crate::{
    load::Pace,
    row::Row,
    size::{seconds, size},
    stage::Stage,
};

const NODES: usize = 5;

/// How the nodes stop, round by round: as they are told to, or killed.
const ROUNDS: [Fault; 3] = [Fault::Refuse, Fault::Die, Fault::Refuse];

/// An operator restarts all nodes for new software, one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b9_no_request_fails_while_five_nodes_are_restarted_in_turn() -> anyhow::Result<()> {
    let stage = Stage::start(NODES, &[]).await?;
    let apart = seconds(1, 10);
    let down_for = size(Duration::from_millis(500), Duration::from_secs(5));
    let restarts = u32::try_from(NODES * ROUNDS.len())?;
    let load = Pace::new(200, apart * (restarts + 1))
        .run(&stage, async |start| {
            for (number, fault) in ROUNDS
                .iter()
                .flat_map(|fault| vec![fault; NODES])
                .enumerate()
            {
                let at = start + apart * u32::try_from(number + 1)?;
                sleep_until(at).await;
                stage
                    .fleet
                    .set_fault(number % NODES, Some(fault.clone()))
                    .await?;
                sleep_until(at + down_for).await;
                stage.fleet.set_fault(number % NODES, None).await?;
            }
            Ok(())
        })
        .await?;
    stage.recovered(NODES).await?;

    let all = load.all();
    let mut row = Row::new(
        "B9",
        format!("rolling restart of 5 nodes, {apart:?} apart, 3 rounds"),
    );
    row.figure(all.in_words());
    for index in 0..NODES {
        assert_eq!(stage.fleet.faults_served(index), 3, "restarts of a node");
    }
    let takes_part = |index| all.share(&format!("n{}", index + 1)) > 1.0;
    row.must("each node takes part", (0..NODES).all(takes_part));
    row.must_not_fail(&all);
    row.finish()?;
    stage.end().await
}
