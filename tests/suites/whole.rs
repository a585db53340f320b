//! The whole way: a wallet, `swgr` as a process of its own with SQLite, and real LNDs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::join_all;
use serde_json::Value;
use switchgear_examples::{PayOffer, Wallet};
use switchgear_tests::{Lnd, Regtest, Service, Swgr, eventually};
use tokio::time::{Instant, interval, sleep_until};

/// Many times what a health check takes to notice a node.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_invoice_is_paid_end_to_end() -> anyhow::Result<()> {
    let Some(regtest) = Regtest::start_or_skip().await? else {
        return Ok(());
    };
    let swgr = Swgr::start().await?;
    register(&swgr, &regtest.bob).await?;
    let url = swgr.publish("a coffee ☕").await?;
    ready(&swgr, 1).await?;

    let wallet = Wallet::new();
    let (status, lnurl) = wallet.text(&format!("{url}/bech32")).await?;
    assert_eq!(status, 200);
    let offer = wallet.look(&lnurl).await?;
    assert_eq!(offer.metadata, r#"[["text/plain","a coffee ☕"]]"#);
    let invoice = wallet.invoice(&offer, 21_000).await?;
    assert_eq!(invoice.payee, regtest.bob.public_key());

    let payment = regtest.alice.pay(&invoice.bolt11).await?;
    assert_eq!(
        (payment.payment_hash, payment.value_msat),
        (invoice.payment_hash.clone(), 21_000)
    );

    let settled = regtest.bob.lookup_invoice(&invoice.payment_hash).await?;
    assert!(settled.is_settled());
    assert_eq!((settled.value_msat, settled.paid_msat), (21_000, 21_000));
    // printf '[["text/plain","a coffee ☕"]]' | sha256sum
    assert_eq!(
        settled.description_hash,
        "cbfc4eab5a2bd57db3923acf23d85bc79d56a00b860fc17f7d888b56ef701c94"
    );
    assert!(swgr.log()?.contains(&invoice.payment_hash));

    serves_amp_invoices(&swgr, &regtest, &offer).await?;
    assert!(swgr.terminate().await?.success());
    Ok(())
}

/// LND's AMP invoices require a feature that few decoders know: they must not be taken for lies.
async fn serves_amp_invoices(
    swgr: &Swgr,
    regtest: &Regtest,
    offer: &PayOffer,
) -> anyhow::Result<()> {
    let address = format!("pk/{}", regtest.bob.public_key());
    let backend = swgr.cli(&["discovery", "get", &address], "").await?;
    let mut backend: Value = serde_json::from_str(&backend)?;
    backend["implementation"]["ampInvoice"] = true.into();
    swgr.cli(&["discovery", "put", &address], &backend.to_string())
        .await?;

    let wallet = Wallet::new();
    let url = format!("{}?amount=21000", offer.callback);
    let amp = eventually("an AMP invoice", PATIENCE, async || {
        let (status, body) = wallet.text(&url).await?;
        anyhow::ensure!(status == 200, "{status}: {body}");
        let answer: Value = serde_json::from_str(&body)?;
        let decoded = regtest
            .bob
            .lncli(&["decodepayreq", answer["pr"].as_str().unwrap_or_default()])
            .await?;
        Ok(decoded["features"]["30"]["name"]
            .as_str()
            .map(str::to_owned))
    })
    .await?;
    assert_eq!(amp, "amp");
    Ok(())
}

#[tokio::test]
async fn no_request_fails_while_one_of_two_nodes_freezes_or_dies() -> anyhow::Result<()> {
    let Some(regtest) = Regtest::start_or_skip().await? else {
        return Ok(());
    };
    let regtest = Arc::new(regtest);
    let swgr = Swgr::start().await?;
    register(&swgr, &regtest.alice).await?;
    register(&swgr, &regtest.bob).await?;
    let url = swgr.publish("a coffee").await?;
    ready(&swgr, 2).await?;
    let offer = Wallet::new().look(&url).await?;

    let frozen = under_load(&offer, async || regtest.bob.freeze()).await?;
    frozen.assert_survived(&regtest);
    let error = regtest
        .bob
        .lncli_within(&["getinfo"], Duration::from_secs(1))
        .await
        .expect_err("a frozen node answered");
    assert!(format!("{error:#}").contains("gave no answer"), "{error:#}");
    regtest.bob.thaw()?;

    // Back in service: checked as healthy, and asked again.
    eventually("an invoice of the thawed node", PATIENCE, async || {
        let invoice = Wallet::new().invoice(&offer, 1_000).await?;
        Ok((invoice.payee == regtest.bob.public_key()).then_some(()))
    })
    .await?;
    ready(&swgr, 2).await?;

    let killed = under_load(&offer, async || regtest.bob.kill()).await?;
    killed.assert_survived(&regtest);
    assert!(regtest.bob.lncli(&["getinfo"]).await.is_err());
    assert!(swgr.terminate().await?.success());
    Ok(())
}

/// What 20 requests a second for 10 s came to, for 60 s with `--long`.
#[derive(Debug)]
struct Load {
    /// Who made how many invoices: before the fault, and behind it.
    made: [BTreeMap<String, usize>; 2],
    failures: Vec<String>,
    slowest: Duration,
}

impl Load {
    fn assert_survived(&self, regtest: &Regtest) {
        let [before, behind] = &self.made;
        assert_eq!(self.failures, Vec::<String>::new(), "{self:?}");
        let (alice, bob) = (regtest.alice.public_key(), regtest.bob.public_key());
        assert!(before.contains_key(bob), "it took part before: {self:?}");
        assert!(behind.contains_key(alice), "{self:?}");
        assert!(self.slowest < Duration::from_secs(5), "{self:?}");
    }
}

/// Asks for invoices at an even pace, each on a connection of its own as strangers' wallets would, and lets the fault
/// happen after the first second.
async fn under_load(
    offer: &PayOffer,
    fault: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Load> {
    const PACE: Duration = Duration::from_millis(50);
    const FAULT_AFTER: Duration = Duration::from_secs(1);

    let seconds = if is_long() { 60 } else { 10 };
    let count = seconds * 20;
    let started = Instant::now();
    let mut requests = Vec::with_capacity(count);
    let load = async {
        let mut pace = interval(PACE);
        for _ in 0..count {
            pace.tick().await;
            let offer = offer.clone();
            requests.push(tokio::spawn(async move {
                let asked = Instant::now();
                let invoice = Wallet::new().invoice(&offer, 1_000).await;
                (asked, invoice, asked.elapsed())
            }));
        }
    };
    let fault = async {
        sleep_until(started + FAULT_AFTER).await;
        fault().await
    };
    let ((), happened) = tokio::join!(load, fault);
    happened?;

    let mut result = Load {
        made: Default::default(),
        failures: Vec::new(),
        slowest: Duration::ZERO,
    };
    for ended in join_all(requests).await {
        let (asked, invoice, took) = ended?;
        let behind = asked >= started + FAULT_AFTER;
        result.slowest = result.slowest.max(took);
        match invoice {
            Ok(invoice) => {
                let made = &mut result.made[usize::from(behind)];
                *made.entry(invoice.payee).or_default() += 1;
            }
            Err(error) => result.failures.push(format!("{error:#}")),
        }
    }
    Ok(result)
}

/// Whether `tests/run --long` wants whole sizes.
fn is_long() -> bool {
    std::env::var("SWITCHGEAR_LONG").is_ok_and(|long| long == "true")
}

async fn register(swgr: &Swgr, node: &Lnd) -> anyhow::Result<()> {
    swgr.register(
        node.name(),
        node.public_key(),
        &node.grpc_url(),
        &node.tls_cert_path(),
        &node.admin_macaroon_path(),
    )
    .await
}

/// Waits until so many nodes are ready.
async fn ready(swgr: &Swgr, nodes: u64) -> anyhow::Result<()> {
    let wallet = Wallet::new();
    let url = format!("{}/health/full", swgr.url(Service::Lnurl));
    eventually("ready nodes", PATIENCE, async || {
        let (_, body) = wallet.text(&url).await?;
        let health: Value = serde_json::from_str(&body)?;
        Ok((health["partitions"][0]["ready"] == nodes).then_some(()))
    })
    .await
}
