use switchgear_ln::sim::{Fault, SimLie, SimNodeKind};
use switchgear_tests::eventually;

use crate::{
    row::Row,
    stage::{PATIENCE, Stage},
};

/// Nodes that lie in their own way each, and how the server says it.
const LIES: [(SimLie, &str); 9] = [
    (SimLie::Amount, "its amount is "),
    (SimLie::Amountless, "its amount is missing"),
    (
        SimLie::DescriptionHash,
        "its description hash is not that of the offer's metadata",
    ),
    (SimLie::Network, "it is not for regtest"),
    (SimLie::Payee, "it is signed by "),
    (SimLie::Expiry, "its expiry is not the one asked for"),
    (
        SimLie::PaymentHash,
        "its payment hash is not the one that the node named",
    ),
    (SimLie::Garbage, "it does not decode"),
    (SimLie::Oversized, "the node's answer is too large"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_no_lie_of_a_lnd_reaches_a_wallet() -> anyhow::Result<()> {
    all_but_one_lie(SimNodeKind::Lnd).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_no_lie_of_a_core_lightning_reaches_a_wallet() -> anyhow::Result<()> {
    all_but_one_lie(SimNodeKind::Cln).await
}

async fn all_but_one_lie(kind: SimNodeKind) -> anyhow::Result<()> {
    assert_eq!(LIES.map(|(lie, _)| lie), SimLie::ALL, "no lie is left out");
    let stage = Stage::start_of(&[kind; LIES.len() + 1], &[]).await?;
    let honest = format!("n{}", LIES.len() + 1);
    for (index, (lie, _)) in LIES.iter().enumerate() {
        let lie = Some(Fault::Lie(*lie));
        stage.fleet.set_fault(index, lie).await?;
    }
    let (mut requests, mut lies_believed) = (0, 0);
    eventually("each liar to be put aside", PATIENCE, async || {
        let by = stage.wallet().ask(21_000 + requests).await?;
        requests += 1;
        lies_believed += usize::from(by != honest);
        let aside = stage.log_lines(&["is put aside"])?.len();
        Ok((aside >= LIES.len()).then_some(()))
    })
    .await?;

    let told = |index| stage.fleet.faults_served(index);
    let all: u64 = (0..LIES.len()).map(told).sum();
    let what = format!("{kind:?}: each lie from a node of its own, and one honest node");
    let mut row = Row::new("B6", what);
    row.figure(format!("{requests} sent, 0 failed, {all} lies told"));
    row.must("0 lies reach a wallet", lies_believed == 0);
    let mut uncounted = Vec::new();
    for (index, (lie, words)) in LIES.iter().enumerate() {
        let name = format!("node \"n{}\"", index + 1);
        let logged = stage.log_lines(&[&name, "made no invoice", words])?;
        // Three in a row put a node aside.
        if told(index) < 3 || logged.len() as u64 != told(index) {
            let (told, logged) = (told(index), logged.len());
            uncounted.push(format!("{lie} told {told} times, {logged} in the log"));
        }
    }
    row.must_for_all("9 of 9 retried elsewhere and counted", &uncounted);
    row.finish()?;
    stage.end().await
}
