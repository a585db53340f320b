//! The harness itself: real LNDs start, pay, freeze, die and come back.
//!
//! One test, because the start of the nodes takes most of its time.

use std::time::{Duration, Instant};

use anyhow::Context;
use switchgear_tests::{Lnd, Regtest};

/// Forty times what a node takes for it.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

#[tokio::test]
async fn nodes_pay_freeze_die_and_come_back() -> anyhow::Result<()> {
    let mut clock = Clock::start();
    let Some(regtest) = Regtest::start_or_skip().await? else {
        return Ok(());
    };
    clock.lap("start");

    has_what_a_backend_needs(&regtest.bob)?;
    pays(&regtest, 21_000)
        .await
        .context("on the fresh channel")?;
    clock.lap("first payment");

    freezes_and_thaws(&regtest).await?;
    clock.lap("freeze and thaw");

    dies_and_comes_back(&regtest).await?;
    clock.lap("kill and restart");

    has_another_node(&regtest).await?;
    clock.lap("another node with a channel");
    Ok(())
}

fn has_what_a_backend_needs(node: &Lnd) -> anyhow::Result<()> {
    assert!(node.grpc_url().starts_with("https://127.0.0.1:"));
    assert_eq!(node.public_key().len(), 66);
    let certificate = std::fs::read_to_string(node.tls_cert_path())?;
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    for macaroon in [node.admin_macaroon_path(), node.invoice_macaroon_path()] {
        assert!(!std::fs::read(macaroon)?.is_empty());
    }
    Ok(())
}

async fn pays(regtest: &Regtest, msat: u64) -> anyhow::Result<()> {
    let invoice = regtest.bob.add_invoice(msat, "a coffee").await?;
    assert_eq!((invoice.state.as_str(), invoice.value_msat), ("OPEN", msat));
    assert_eq!(invoice.memo, "a coffee");

    let payment = regtest.alice.pay(&invoice.bolt11).await?;
    assert_eq!((payment.value_msat, payment.fee_msat), (msat, 0));
    assert_eq!(payment.payment_hash, invoice.payment_hash);

    let invoice = regtest.bob.lookup_invoice(&invoice.payment_hash).await?;
    assert!(invoice.is_settled());
    assert_eq!(invoice.paid_msat, msat);
    Ok(())
}

async fn freezes_and_thaws(regtest: &Regtest) -> anyhow::Result<()> {
    // Twice, because the kernel tells a second stop apart from the first only after a thaw.
    for _ in 0..2 {
        regtest.bob.freeze()?;
        let error = asks(&regtest.bob)
            .await
            .expect_err("a frozen node answered");
        assert!(
            format!("{error:#}").contains("gave no answer within"),
            "{error:#}"
        );

        regtest.bob.thaw()?;
        regtest.bob.lncli(&["getinfo"]).await?;
    }
    regtest.wait_for_channel().await?;
    pays(regtest, 22_000).await.context("after the thaw")
}

async fn dies_and_comes_back(regtest: &Regtest) -> anyhow::Result<()> {
    let (url, key) = (regtest.bob.grpc_url(), regtest.bob.public_key().to_owned());
    let before = regtest.bob.add_invoice(23_000, "before the kill").await?;

    regtest.bob.kill()?;
    let error = asks(&regtest.bob).await.expect_err("a dead node answered");
    assert!(
        format!("{error:#}").contains("connection refused"),
        "{error:#}"
    );
    assert!(regtest.bob.freeze().is_err(), "a dead process was frozen");

    regtest.bob.restart().await?;
    assert_eq!(
        (regtest.bob.grpc_url(), regtest.bob.public_key()),
        (url, key.as_str())
    );
    regtest.wait_for_channel().await?;
    regtest.alice.pay(&before.bolt11).await?;
    assert!(
        regtest
            .bob
            .lookup_invoice(&before.payment_hash)
            .await?
            .is_settled()
    );
    Ok(())
}

async fn has_another_node(regtest: &Regtest) -> anyhow::Result<()> {
    let carol = regtest.add_lnd("carol").await?;
    regtest.open_channel(&carol, &regtest.bob, 500_000).await?;
    let invoice = regtest.bob.add_invoice(24_000, "from carol").await?;
    carol.pay(&invoice.bolt11).await?;
    assert!(
        regtest
            .bob
            .lookup_invoice(&invoice.payment_hash)
            .await?
            .is_settled()
    );
    Ok(())
}

async fn asks(node: &Lnd) -> anyhow::Result<()> {
    node.lncli_within(&["getinfo"], LONG_ENOUGH).await.map(drop)
}

/// Says how long each part took.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(
        clippy::print_stdout,
        reason = "the figures are for who runs it with `--nocapture`"
    )]
    fn lap(&mut self, part: &str) {
        println!("{part}: {} ms", self.0.elapsed().as_millis());
        self.0 = Instant::now();
    }
}
