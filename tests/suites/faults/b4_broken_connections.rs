use std::time::Duration;

use switchgear_ln::sim::{Fault, SimNodeKind};
use switchgear_tests::eventually;
use tokio::time::sleep_until;

use crate::{
    load::Pace,
    row::Row,
    size::{seconds, size},
    stage::{PATIENCE, Stage},
};

const BROKEN_AFTER: Duration = Duration::from_secs(1);

/// What breaks a connection, and how the server says it; nothing where no call fails of it.
type Broken = (Fault, Option<&'static str>);

const BROKEN: [Broken; 7] = [
    (Fault::ResetMidAnswer, Some("reset")),
    (Fault::GoAway, None),
    (Fault::GoAwayUnanswered, Some("the node broke off")),
    (Fault::FlowControlStall, Some("gave no sign of life within")),
    (
        Fault::TlsAlert,
        Some("the node refused the TLS handshake: "),
    ),
    (
        Fault::ExpiredCertificate,
        Some("the node's certificate has expired"),
    ),
    (
        Fault::SwappedCertificate,
        Some("the node's certificate is not the configured one"),
    ),
];

/// One node is well, and beside it is one of each whose connections break; at length also each alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b4_no_request_fails_of_broken_connections_while_one_node_is_good() -> anyhow::Result<()> {
    let alone = BROKEN.iter().map(std::slice::from_ref);
    for kind in size(
        vec![SimNodeKind::Lnd],
        vec![SimNodeKind::Lnd, SimNodeKind::Cln],
    ) {
        for broken in size(vec![], alone.clone().collect()) {
            one_good_node_and(kind, broken).await?;
        }
        one_good_node_and(kind, &BROKEN).await?;
    }
    Ok(())
}

async fn one_good_node_and(kind: SimNodeKind, broken: &[Broken]) -> anyhow::Result<()> {
    let stage = Stage::start_of(&vec![kind; broken.len() + 1], &[]).await?;
    let load = Pace::new(200, seconds(4, 30))
        .run(&stage, async |start| {
            sleep_until(start + BROKEN_AFTER).await;
            break_connections(&stage, broken).await
        })
        .await?;

    let faults: Vec<_> = broken
        .iter()
        .map(|(fault, _)| fault.kind().as_str())
        .collect();
    let what = format!("{kind:?}: one good node beside {}", faults.join(", "));
    let mut row = Row::new("B4", what);
    row.figure(load.all().in_words());
    row.must_not_fail(&load.all());
    for (index, (fault, _)) in broken.iter().enumerate() {
        let kind = fault.kind();
        let felt = stage.fleet.node(index).counters().of(kind);
        assert!(felt > 0, "{kind} happened");
        row.figure(format!("{kind} {felt} times"));
    }
    stage.fleet.set_fault_of_all(None).await?;
    stage.recovered(broken.len() + 1).await?;
    // Of a node that is down already no more is told. Under load that may be how its connections ended,
    // and not why there are no new ones; so once more without.
    if !unnamed(&stage, broken)?.is_empty() {
        break_connections(&stage, broken).await?;
        let named = eventually("the names of all errors", PATIENCE, async || {
            Ok(unnamed(&stage, broken)?.is_empty().then_some(()))
        });
        // Whatever is unnamed then is named by the row.
        let _ = named.await;
    }
    row.must_for_all("each error named in the log", &unnamed(&stage, broken)?);
    row.finish()?;
    stage.end().await
}

async fn break_connections(stage: &Stage, broken: &[Broken]) -> anyhow::Result<()> {
    for (index, (fault, _)) in broken.iter().enumerate() {
        stage.fleet.set_fault(index, Some(fault.clone())).await?;
    }
    Ok(())
}

/// The faults that the log has no words for, and what it says instead.
fn unnamed(stage: &Stage, broken: &[Broken]) -> anyhow::Result<Vec<String>> {
    let mut unnamed = Vec::new();
    for (index, (fault, words)) in broken.iter().enumerate() {
        let told = stage.words_about(&format!("n{}", index + 1))?;
        let named = |words: &&str| told.iter().any(|told| told.contains(*words));
        if !words.as_ref().is_none_or(named) {
            unnamed.push(format!("{} told as {told:?}", fault.kind()));
        }
    }
    Ok(unnamed)
}
