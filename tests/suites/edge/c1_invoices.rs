//! C1: each invoice is the one that was asked for: its amount, the hash of the metadata as it was served,
//! its expiry, its network and its payee.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, ensure};
use bitcoin_hashes::{Hash as _, sha256};
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef, Currency};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use switchgear_tests::{Door, Service, Wire, row::Row};

use crate::{
    offers::NewOffer,
    size::size,
    stage::{Stage, both_ways},
    text::{encoded, random_text},
};

const EXPIRY: Duration = Duration::from_secs(241);
const LINES: [&str; 2] = ["invoice-expiry-secs: 241", "comment-allowed: 40"];
const INVOICES_OF_AN_OFFER: usize = 5;

/// 100,000 bitcoin in msat: more than any channel holds.
const MOST: u64 = 10_000_000_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c1_each_invoice_is_what_was_asked_for() -> anyhow::Result<()> {
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    for options in both_ways() {
        let stage = Stage::start(&options.with_lines(Service::Lnurl, &LINES), 3).await?;
        let mut payees = BTreeSet::new();
        let round = round(&stage, &mut random, &mut payees).await;
        let invoices = round.with_context(|| format!("the seed is {seed}"))?;
        let is_tls = stage.door(Service::Lnurl)?.is_tls();
        let way = if is_tls { "TLS" } else { "plain" };
        let nodes = stage.nodes.iter().map(|node| node.public_key().to_string());
        assert_eq!(payees, nodes.collect(), "who makes the invoices");
        stage.end().await?;
        let mut row = Row::new(
            "edge",
            "C1",
            format!("invoices for random offers, amounts and comments, {way}"),
        );
        row.figure(format!(
            "{invoices} of {invoices} as asked for, by {} nodes",
            payees.len()
        ));
        // The first that is not has ended the test.
        row.must(
            "amount, hash, expiry, network and payee right",
            invoices > 0,
        );
        row.finish()?;
    }
    Ok(())
}

/// Gives how many invoices there were.
async fn round(
    stage: &Stage,
    random: &mut StdRng,
    payees: &mut BTreeSet<String>,
) -> anyhow::Result<usize> {
    let mut admin = stage.admin(Service::Offer)?;
    let door = stage.door(Service::Lnurl)?;
    let mut wallet = door.open().await?;
    let mut invoices = 0;
    for _ in 0..size(60, 1_000) {
        let (offer, range) = random_offer(random);
        let path = offer.publish(&mut admin).await?;
        let served = look(&mut wallet, &door, &path).await?;
        for _ in 0..INVOICES_OF_AN_OFFER {
            let amount = random.random_range(range.0..=range.1);
            let comment = random_text(random, 40);
            let query = format!("?amount={amount}&comment={}", encoded(&comment));
            let target = served.callback.clone() + &query;
            let answer = wallet.ask(door.request("GET", &target, "")).await?;
            let body = answer.json()?;
            let pr = body["pr"].as_str().with_context(|| body.to_string())?;
            ensure!(body["routes"] == json!([]), "routes: {body}");
            let payee = check(pr, amount, &served.metadata);
            payees.insert(payee.with_context(|| format!("{target}: {pr}"))?);
            invoices += 1;
        }
    }
    Ok(invoices)
}

/// What the first step says.
struct Served {
    /// The callback's path.
    callback: String,
    metadata: String,
}

async fn look(wallet: &mut Wire, door: &Door, path: &str) -> anyhow::Result<Served> {
    let answer = wallet.ask(door.request("GET", path, "")).await?.json()?;
    let text = |key: &str| -> anyhow::Result<String> {
        let text = answer[key].as_str();
        Ok(text.with_context(|| format!("{key}: {answer}"))?.to_owned())
    };
    let callback = text("callback")?;
    let scheme = if door.is_tls() { "https" } else { "http" };
    let base = format!("{scheme}://{}", door.address());
    let callback = callback.strip_prefix(&base).context("another host")?;
    Ok(Served {
        callback: callback.to_owned(),
        metadata: text("metadata")?,
    })
}

/// Checks what a wallet checks, and what it cannot know; gives the payee.
fn check(pr: &str, amount: u64, metadata: &str) -> anyhow::Result<String> {
    let invoice: Bolt11Invoice = pr.parse().ok().context("no invoice")?;
    ensure!(
        invoice.amount_milli_satoshis() == Some(amount),
        "its amount is {:?}",
        invoice.amount_milli_satoshis()
    );
    let hash = sha256::Hash::hash(metadata.as_bytes());
    let Bolt11InvoiceDescriptionRef::Hash(committed) = invoice.description() else {
        anyhow::bail!("it commits to no hash");
    };
    ensure!(
        committed.0.as_byte_array() == hash.as_byte_array(),
        "it commits to {}",
        committed.0
    );
    let expiry = invoice.expiry_time();
    ensure!(expiry == EXPIRY, "it expires after {expiry:?}");
    ensure!(invoice.currency() == Currency::Regtest, "another network");
    Ok(invoice.recover_payee_pub_key().to_string())
}

/// An offer with any metadata, and its bounds in msat.
fn random_offer(random: &mut StdRng) -> (NewOffer, (u64, u64)) {
    let min = 1 + random_amount(random);
    let max = min + random_amount(random);
    let text = format!("x{}", random_text(random, 200));
    let mut offer = NewOffer::new(&text, min, max);
    if random.random() {
        offer = offer.with("longText", random_text(random, 2_000).into());
    }
    if random.random() {
        offer = offer.with("image", image());
    }
    let kind = ["text", "email", ""][random.random_range(0..3)];
    if !kind.is_empty() {
        offer = offer.with("identifier", json!({kind: "alice@pay.example"}));
    }
    if random.random() {
        offer = offer.until("2099-12-31T23:59:59Z");
    }
    (offer, (min, max))
}

/// As likely small as large.
fn random_amount(random: &mut StdRng) -> u64 {
    let most = MOST >> random.random_range(0..54);
    random.random_range(0..=most)
}

/// The smallest PNG.
fn image() -> Value {
    json!({"png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="})
}
