//! What the real clients see of each fault of the simulated nodes, in words, and that it happened.

mod certificates;
mod stops;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use switchgear_core::{
    Millisatoshi,
    ln::{Blame, Expectation, Invoice, LnClient, LnError, LnErrorKind, Network},
};
use switchgear_ln::sim::{Fault, FaultKind, SimLie, SimNode, SimNodeConfig, SimNodeKind};
use tokio::net::TcpStream;

use crate::common::{CONNECT_TIMEOUT, bounded, client, partition, request};

/// Longer than any answer takes that comes at all.
const NO_ANSWER: Duration = Duration::from_millis(500);

/// A node of either kind, and a client of it.
pub(crate) struct Sim {
    pub(crate) node: SimNode,
    pub(crate) client: Arc<dyn LnClient>,
    directory: tempfile::TempDir,
}

impl Sim {
    pub(crate) async fn start(kind: SimNodeKind) -> Self {
        Self::with(kind, |config| config).await
    }

    pub(crate) async fn with(
        kind: SimNodeKind,
        change: impl FnOnce(SimNodeConfig) -> SimNodeConfig,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = SimNodeConfig::new("alice", directory.path()).with_kind(kind);
        let node = SimNode::start(change(config)).await.unwrap();
        Self {
            client: client(&node.backend([partition()])),
            node,
            directory,
        }
    }

    /// One of each kind.
    pub(crate) async fn both() -> [Self; 2] {
        [
            Self::start(SimNodeKind::Lnd).await,
            Self::start(SimNodeKind::Cln).await,
        ]
    }

    pub(crate) async fn fail(&self, written: &str) {
        let fault = written.parse().unwrap();
        self.node.set_fault(Some(fault)).await.unwrap();
    }

    pub(crate) async fn invoice(&self) -> Result<Invoice, LnError> {
        bounded(self.client.invoice(&request())).await
    }

    async fn refused(&self) -> (LnErrorKind, String) {
        let error = self.invoice().await.unwrap_err();
        (error.kind(), error.to_string())
    }

    async fn answers_nothing(&self) {
        let answer = tokio::time::timeout(NO_ANSWER, self.client.invoice(&request())).await;
        assert!(answer.is_err(), "{:?}: {answer:?}", self.node.kind());
    }

    /// Makes invoices again, once the old connection's end and changed files are noticed.
    async fn heals(&self) {
        self.node.set_fault(None).await.unwrap();
        let healed = async {
            while self.client.invoice(&request()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        bounded(healed).await;
    }

    fn felt(&self, kind: FaultKind) -> u64 {
        self.node.counters().of(kind)
    }

    fn expectation(&self) -> Expectation {
        Expectation {
            payee: Some(self.node.public_key()),
            network: Some(Network::Regtest),
            unix_time: std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap(),
        }
    }
}

#[tokio::test]
async fn trickles_answers_that_come_whole_in_the_end() {
    for sim in Sim::both().await {
        sim.fail("trickle 1ms").await;
        let began = Instant::now();
        sim.invoice().await.unwrap();
        // An invoice has more bytes than that.
        let least = Duration::from_millis(200);
        assert!(began.elapsed() >= least, "{:?}", began.elapsed());
        assert_eq!(sim.felt(FaultKind::Trickle), 1);
    }
}

#[tokio::test]
async fn leaves_calls_without_an_answer_on_a_connection_that_lives() {
    for sim in Sim::both().await {
        for (written, kind) in [
            ("hang", FaultKind::Hang),
            ("hang-invoices", FaultKind::HangInvoices),
            ("stall-after-headers", FaultKind::StallAfterHeaders),
            ("flow-control-stall", FaultKind::FlowControlStall),
        ] {
            sim.invoice().await.unwrap();
            sim.fail(written).await;
            if kind == FaultKind::FlowControlStall {
                // Its connection was broken, so that the next is stalled from its beginning.
                let _ = tokio::time::timeout(NO_ANSWER, sim.client.status()).await;
            }
            let before = sim.felt(kind);
            sim.answers_nothing().await;
            assert_eq!(sim.felt(kind), before + 1, "{written}");
            sim.heals().await;
        }
    }
}

#[tokio::test]
async fn answers_health_checks_while_invoices_hang() {
    for sim in Sim::both().await {
        sim.fail("hang-invoices").await;
        assert!(bounded(sim.client.status()).await.unwrap().synced_to_chain);
        sim.answers_nothing().await;
        assert_eq!(sim.felt(FaultKind::HangInvoices), 1);
    }
}

#[tokio::test]
async fn resets_the_connection_in_the_middle_of_an_answer() {
    for sim in Sim::both().await {
        sim.invoice().await.unwrap();
        sim.fail("reset-mid-answer").await;
        for _ in 0..3 {
            let (kind, words) = sim.refused().await;
            assert_eq!(kind, LnErrorKind::Unreachable);
            assert_eq!(words, "the connection was reset");
        }
        assert_eq!(sim.felt(FaultKind::ResetMidAnswer), 3);
        assert_eq!(sim.node.connections(), 3);
        sim.heals().await;
    }
}

#[tokio::test]
async fn answers_each_call_and_sends_the_next_to_another_connection() {
    for sim in Sim::both().await {
        sim.fail("go-away").await;
        for _ in 0..5 {
            sim.invoice().await.unwrap();
        }
        let told = sim.felt(FaultKind::GoAway);
        assert!(told > 1, "{told}");
        assert_eq!(sim.node.connections(), told);
    }
}

#[tokio::test]
async fn sends_calls_away_unanswered() {
    for sim in Sim::both().await {
        sim.fail("go-away-unanswered").await;
        let (kind, _) = sim.refused().await;
        assert_eq!(kind, LnErrorKind::Unreachable);
        assert!(sim.felt(FaultKind::GoAwayUnanswered) > 0);
        assert_eq!(sim.node.invoices_made(), 0);
        sim.heals().await;
    }
}

#[tokio::test]
async fn disappears_for_old_connections_and_new_ones() {
    for sim in Sim::both().await {
        sim.invoice().await.unwrap();
        sim.fail("black-hole").await;
        sim.answers_nothing().await;
        if cfg!(target_os = "linux") {
            let connecting = TcpStream::connect(sim.node.address());
            let connected = tokio::time::timeout(NO_ANSWER, connecting).await;
            assert!(connected.is_err(), "{connected:?}");
        }
        let stranger = client(&sim.node.backend([partition()]));
        let error = bounded(stranger.invoice(&request())).await.unwrap_err();
        // Whichever of two clocks is first.
        let late = [
            (
                LnErrorKind::Timeout,
                format!("cannot connect within {CONNECT_TIMEOUT:?}"),
            ),
            (
                LnErrorKind::Unreachable,
                "the connection timed out".to_owned(),
            ),
        ];
        let found = (error.kind(), error.to_string());
        assert!(late.contains(&found), "{found:?}");
        // One for the port, and the answers that were held up.
        assert!(sim.felt(FaultKind::BlackHole) > 1);
        assert_eq!(sim.node.connections(), 1);
        sim.heals().await;
        bounded(stranger.invoice(&request())).await.unwrap();
        assert!(sim.node.connections() > 1);
    }
}

#[tokio::test]
async fn fails_about_half_of_the_calls() {
    for sim in Sim::both().await {
        sim.fail("one-in 2 status 14 try another").await;
        let mut failed = 0;
        for _ in 0..200 {
            failed += u64::from(sim.invoice().await.is_err());
        }
        // Six standard deviations to each side.
        assert!((58..=142).contains(&failed), "{failed}");
        assert_eq!(sim.felt(FaultKind::Status), failed);
        assert_eq!(sim.node.invoices_made(), 200 - failed);
    }
    let sim = Sim::start(SimNodeKind::Lnd).await;
    let whole = Fault::one_in(2, Fault::Freeze);
    let error = sim.node.set_fault(Some(whole)).await.unwrap_err();
    assert_eq!(error.to_string(), "freeze concerns the whole node");
}

#[tokio::test]
async fn fails_at_once_however_slow_it_is() {
    let slow = Duration::from_secs(5);
    let sim = Sim::with(SimNodeKind::Lnd, |config| config.with_latency(slow)).await;
    sim.fail("status 14").await;
    let began = Instant::now();
    let _ = sim.refused().await;
    assert!(began.elapsed() < slow, "{:?}", began.elapsed());
}

#[tokio::test]
async fn takes_its_time_where_it_is_told_to() {
    let usual = Duration::from_millis(60);
    for kind in [SimNodeKind::Lnd, SimNodeKind::Cln] {
        let sim = Sim::with(kind, |config| config.with_latency(usual).with_jitter(usual)).await;
        let began = Instant::now();
        sim.invoice().await.unwrap();
        assert!(began.elapsed() >= usual);
        assert_eq!(sim.node.faults_served(), 0, "that is no fault");
        sim.node.set_latency(usual * 4);
        let began = Instant::now();
        sim.invoice().await.unwrap();
        assert!(began.elapsed() >= usual * 4);
    }
}

#[tokio::test]
async fn speaks_core_lightnings_words() {
    let cln = Sim::start(SimNodeKind::Cln).await;
    for (written, kind, words) in [
        (
            "shutting-down",
            LnErrorKind::NotReady,
            "the node is shutting down",
        ),
        (
            "rpc-error 900 Duplicate label 'x'",
            LnErrorKind::Refused,
            "the node has an invoice of this label already",
        ),
    ] {
        cln.fail(written).await;
        let (found, message) = cln.refused().await;
        assert_eq!(found, kind, "{written}");
        assert!(message.starts_with(words), "{written}: {message}");
    }
    assert_eq!(cln.felt(FaultKind::RpcError), 2);
    cln.fail("lightningd-gone").await;
    let error = cln.invoice().await.unwrap_err();
    assert_eq!(error.blame(), Blame::Node);
    assert!(error.is_transient(), "{error}");
    assert_eq!(cln.felt(FaultKind::Status), 1);
}

#[tokio::test]
async fn tells_lies_as_core_lightning_too() {
    let cln = Sim::start(SimNodeKind::Cln).await;
    for (told, lie) in (1..).zip(SimLie::ALL) {
        cln.fail(&format!("lie {lie}")).await;
        let answer = cln.invoice().await;
        assert_eq!(cln.felt(FaultKind::Lie), told, "{lie}");
        if lie == SimLie::Oversized {
            assert_eq!(answer.unwrap_err().kind(), LnErrorKind::Protocol);
            continue;
        }
        let caught = answer.unwrap().verify(&request(), &cln.expectation());
        assert!(caught.is_err(), "{lie}");
    }
    cln.heals().await;
    let invoice = cln.invoice().await.unwrap();
    invoice.verify(&request(), &cln.expectation()).unwrap();
    let made = cln.node.invoice(&invoice.payment_hash).unwrap();
    assert_eq!(made.description_hash, request().metadata.hash());
    assert!(made.label.is_some());
}

#[tokio::test]
async fn tells_what_it_can_receive_and_whether_it_is_synced() {
    for sim in Sim::both().await {
        for sat in [0, 7, 123_457] {
            sim.node.set_inbound(Millisatoshi::from_sat(sat));
            let status = bounded(sim.client.status()).await.unwrap();
            assert_eq!(status.inbound, Some(Millisatoshi::from_sat(sat)));
            assert_eq!(status.public_key, Some(sim.node.public_key()));
            assert_eq!(status.network, Some(Network::Regtest));
        }
        sim.fail("unsynced").await;
        assert!(!bounded(sim.client.status()).await.unwrap().synced_to_chain);
        sim.invoice().await.unwrap();
        assert_eq!(sim.felt(FaultKind::Unsynced), 1);
    }
}
