//! The whole way: a wallet, `swgr` as a process of its own with SQLite, and real LNDs.

use std::time::Duration;

use serde_json::Value;
use switchgear_examples::{PayOffer, Wallet};
use switchgear_tests::{Lnd, Regtest, Service, Swgr, eventually};

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

    hints_at_private_channels(&swgr, &regtest, &offer).await?;
    serves_amp_invoices(&swgr, &regtest, &offer).await?;
    assert!(swgr.terminate().await?.success());
    Ok(())
}

/// Only where the backend asks for it.
async fn hints_at_private_channels(
    swgr: &Swgr,
    regtest: &Regtest,
    offer: &PayOffer,
) -> anyhow::Result<()> {
    let (alice, bob) = (&regtest.alice, &regtest.bob);
    regtest.open_private_channel(alice, bob, 500_000).await?;
    let plain = decoded(regtest, offer).await?;
    assert_eq!(plain["route_hints"], Value::Array(Vec::new()), "{plain}");

    change(swgr, bob, "privateHints").await?;
    let hint = eventually("a route hint", PATIENCE, async || {
        let hinted = decoded(regtest, offer).await?;
        let hop = hinted["route_hints"][0]["hop_hints"][0]["node_id"].as_str();
        Ok(hop.map(str::to_owned))
    })
    .await?;
    assert_eq!(hint, alice.public_key(), "the way over the private channel");
    Ok(())
}

/// LND's AMP invoices require a feature that few decoders know: they must not be taken for lies.
async fn serves_amp_invoices(
    swgr: &Swgr,
    regtest: &Regtest,
    offer: &PayOffer,
) -> anyhow::Result<()> {
    change(swgr, &regtest.bob, "ampInvoice").await?;
    let amp = eventually("an AMP invoice", PATIENCE, async || {
        let decoded = decoded(regtest, offer).await?;
        let feature = decoded["features"]["30"]["name"].as_str();
        Ok(feature.map(str::to_owned))
    })
    .await?;
    assert_eq!(amp, "amp");
    Ok(())
}

/// Switches something on in how a node is registered.
async fn change(swgr: &Swgr, node: &Lnd, option: &str) -> anyhow::Result<()> {
    let address = format!("pk/{}", node.public_key());
    let backend = swgr.cli(&["discovery", "get", &address], "").await?;
    let mut backend: Value = serde_json::from_str(&backend)?;
    backend["implementation"][option] = true.into();
    swgr.cli(&["discovery", "put", &address], &backend.to_string())
        .await
        .map(drop)
}

/// The next invoice, as LND reads it.
async fn decoded(regtest: &Regtest, offer: &PayOffer) -> anyhow::Result<Value> {
    let url = format!("{}?amount=21000", offer.callback);
    let (status, body) = Wallet::new().text(&url).await?;
    anyhow::ensure!(status == 200, "{status}: {body}");
    let answer: Value = serde_json::from_str(&body)?;
    let invoice = answer["pr"].as_str().unwrap_or_default();
    regtest.bob.lncli(&["decodepayreq", invoice]).await
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
