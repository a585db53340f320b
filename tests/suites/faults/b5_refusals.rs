use switchgear_ln::sim::Fault;
use switchgear_tests::eventually;

use crate::{
    row::Row,
    stage::{PATIENCE, Stage},
};

/// A gRPC code, how the server says it, and whether it is the node that is to blame.
type Code = (i32, &'static str, bool);

/// 1 to 16, in the words of the table that classifies them.
const CODES: [Code; 16] = [
    (1, "the node is unavailable: ", true),
    (2, "the node refused the request: ", true),
    (3, "the node refused the request: ", false),
    (4, "the node took too long", true),
    (5, "the node refused the request: ", false),
    (6, "the node refused the request: ", false),
    (7, "the node refused the macaroon: ", true),
    (8, "the node is not ready: ", true),
    (9, "the node is not ready: ", true),
    (10, "the node is not ready: ", true),
    (11, "the node refused the request: ", false),
    (12, "the node does not know this call", true),
    (13, "the node failed: ", true),
    (14, "the node is unavailable: ", true),
    (15, "the node failed: ", true),
    (16, "the node refused the macaroon: ", true),
];

/// What LND says with code 2 while it cannot work, and how the server says it.
const TEXTS: [(&str, &str); 8] = [
    (
        "wallet locked, unlock it to enable full RPC access",
        "the wallet is locked: unlock it",
    ),
    (
        "wallet not created, create one to enable full RPC access",
        "the node has no wallet: create one",
    ),
    (
        "waiting to start, RPC services not available",
        "the node is waiting to start",
    ),
    (
        "the RPC server is in the process of starting up, but not yet ready to accept calls",
        "the node is starting up",
    ),
    ("server is shutting down", "the node is shutting down"),
    (
        "permission denied",
        "the macaroon lacks the right to make this call",
    ),
    (
        "verification failed: signature mismatch after caveat verification",
        "the node refused the macaroon",
    ),
    (
        "macaroon store is locked",
        "the wallet is locked: unlock it",
    ),
];

/// Invoice calls alone decide: after the first, no check comes for a day. And one round has to do.
const WITHOUT_CHECKS: [&str; 2] = [
    "health-check-frequency-secs: 86400",
    "backoff: {type: stop}",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b5_each_grpc_code_is_told_apart_and_only_a_nodes_own_fault_puts_it_aside()
-> anyhow::Result<()> {
    // One node for each code, and one that works.
    let stage = Stage::start(CODES.len() + 1, &WITHOUT_CHECKS).await?;
    for (index, (code, ..)) in CODES.iter().enumerate() {
        stage
            .fleet
            .set_fault(index, Some(status(*code, "something")))
            .await?;
    }
    let before = calls(&stage);
    let mut requests = 0;
    eventually("a judgement of each node", PATIENCE, async || {
        assert_eq!(stage.wallet().ask(1_000).await?, "n17");
        requests += 1;
        let asked = calls(&stage);
        let often = (0..CODES.len()).all(|index| asked[index] - before[index] >= 3);
        Ok((often && requests >= 60).then_some(()))
    })
    .await?;

    let mut row = Row::new("B5", "each gRPC code from a node of its own");
    row.figure(format!("{requests} sent, 0 failed"));
    let (mut untold, mut misjudged) = (Vec::new(), Vec::new());
    for (index, (code, words, blamed)) in CODES.iter().enumerate() {
        assert!(
            stage.fleet.faults_served(index) > 0,
            "code {code} was answered"
        );
        let told = stage.words_about(&format!("n{}", index + 1))?;
        let says = |words: &str| told.iter().any(|told| told.contains(words));
        if !says(&format!("made no invoice: {words}")) {
            untold.push(format!("code {code} told as {told:?}"));
        }
        if says("is put aside") != *blamed {
            misjudged.push(format!("code {code}"));
        }
    }
    row.must_for_all("16 of 16 codes told apart", &untold);
    row.must_for_all(
        "those that blame the node eject it, the others never",
        &misjudged,
    );
    row.finish()?;
    nobody_is_asked_twice_in_a_round(&stage).await?;
    stage.end().await
}

/// All refuse: one round, and each node is asked once at most; who is ready, exactly once.
async fn nobody_is_asked_twice_in_a_round(stage: &Stage) -> anyhow::Result<()> {
    let good = CODES.len();
    stage
        .fleet
        .set_fault(good, Some(status(3, "something")))
        .await?;
    let before = calls(stage);
    let error = stage
        .wallet()
        .ask(1_000)
        .await
        .expect_err("all nodes refuse");
    assert!(error.to_string().starts_with("502 "), "{error:#}");
    let asked: Vec<_> = calls(stage)
        .iter()
        .zip(&before)
        .map(|(after, before)| after - before)
        .collect();
    let ready = |index: usize| index == good || !CODES[index].2;
    let ready: Vec<_> = (0..asked.len())
        .filter(|index| ready(*index))
        .map(|index| asked[index])
        .collect();
    let mut row = Row::new("B5", "one round over 17 nodes that all refuse");
    row.figure(format!("calls {asked:?}"));
    row.must(
        "none asked twice in a round",
        asked.iter().all(|calls| *calls <= 1),
    );
    row.must(
        "each ready node asked",
        ready.iter().all(|calls| *calls == 1),
    );
    row.finish()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b5_each_text_of_a_node_that_cannot_work_is_told_in_words() -> anyhow::Result<()> {
    let stage = Stage::start(TEXTS.len() + 2, &[]).await?;
    let (unsynced, good) = (TEXTS.len(), TEXTS.len() + 2);
    for (index, (text, _)) in TEXTS.iter().enumerate() {
        stage.fleet.set_fault(index, Some(status(2, text))).await?;
    }
    stage
        .fleet
        .set_fault(unsynced, Some(Fault::Unsynced))
        .await?;
    let mut requests = 0;
    eventually("the checks of all nodes", PATIENCE, async || {
        let by = stage.wallet().ask(1_000).await?;
        requests += 1;
        // Until it is checked, who does not follow the chain makes invoices all the same.
        assert!(
            by == format!("n{good}") || by == format!("n{}", unsynced + 1),
            "{by}"
        );
        let unhealthy = stage.log_lines(&["is unhealthy: "])?.len();
        Ok((unhealthy > TEXTS.len()).then_some(()))
    })
    .await?;

    let mut row = Row::new("B5", "each text of LND from a node of its own");
    row.figure(format!("{requests} sent, 0 failed"));
    let texts = TEXTS.iter().map(|(_, words)| *words);
    let mut untold = Vec::new();
    for (index, words) in texts.chain(["is not synced to the chain"]).enumerate() {
        assert!(stage.fleet.faults_served(index) > 0, "{words}");
        let told = stage.words_about(&format!("n{}", index + 1))?;
        let is_it = |told: &String| told.starts_with("is unhealthy: ") && told.contains(words);
        if !told.iter().any(is_it) {
            untold.push(format!("{words} told as {told:?}"));
        }
    }
    row.must_for_all("9 of 9 told in words", &untold);
    row.finish()?;
    stage.fleet.set_fault_of_all(None).await?;
    stage.recovered(good).await?;
    stage.end().await
}

fn status(code: i32, text: &str) -> Fault {
    let text = text.to_owned();
    Fault::Status { code, text }
}

fn calls(stage: &Stage) -> Vec<u64> {
    stage.fleet.nodes().map(|node| node.calls()).collect()
}
