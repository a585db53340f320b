//! The least macaroon that a node has to grant, and another in its place.

use std::{fs, path::Path};

use anyhow::Context;
use serde_json::json;
use switchgear_tests::{Lnd, eventually};

use crate::{
    load::{Load, failures},
    stage::{PATIENCE, Stage},
};

/// What `doc/nodes.md` tells an operator to bake.
pub(crate) const LEAST: [&str; 3] = ["info:read", "invoices:write", "offchain:read"];

/// The same to the call.
pub(crate) const LEAST_CALLS: [&str; 3] = [
    "uri:/lnrpc.Lightning/AddInvoice",
    "uri:/lnrpc.Lightning/GetInfo",
    "uri:/lnrpc.Lightning/ListChannels",
];

/// The capacity of channels cannot be read, which is all that is lost.
const WITHOUT_CHANNELS: [&str; 2] = ["info:read", "invoices:write"];

/// So many in a row are no chance.
const SOME: usize = 20;

#[tokio::test]
async fn the_least_macaroon_is_enough_and_a_new_one_is_taken_up() -> anyhow::Result<()> {
    // With a bias, a node that is known to have room for the payment comes first.
    let Some(stage) = Stage::start(&["selection-capacity-bias: 0.0"]).await? else {
        return Ok(());
    };
    let (alice, bob) = (&stage.regtest.alice, &stage.regtest.bob);
    let macaroon = bob.bake_macaroon("swgr", 1, &LEAST).await?;
    stage.register_plainly(alice).await?;
    stage.register(bob, &macaroon, json!({})).await?;
    stage.ready(2).await?;

    // Nobody can pay alice, who has all coins; so bob's channel is read.
    for _ in 0..SOME {
        let invoice = stage.invoice().await?;
        assert_eq!(invoice.payee, bob.public_key(), "the node with room");
    }

    let old = macaroon.with_file_name("old.macaroon");
    fs::copy(&macaroon, &old)?;
    bob.lncli_with(&old, &["getinfo"])
        .await
        .context("the old macaroon is good")?;
    let load = Load::start(&stage.offer);
    load.goes_on_for(SOME).await?;
    bob.bake_macaroon("swgr", 2, &WITHOUT_CHANNELS).await?;
    bob.delete_root_key(1).await?;
    let refusal = refused(bob, &old, "getinfo").await;
    assert!(refusal.contains("cannot get macaroon"), "{refusal}");
    let refusal = refused(bob, &macaroon, "listchannels").await;
    assert!(refusal.contains("permission denied"), "{refusal}");

    // The last reading ages, then no node comes first any more; bob's calls are made with the new macaroon.
    eventually("both to be asked alike", PATIENCE, async || {
        let mut by_bob = 0;
        for _ in 0..SOME {
            by_bob += usize::from(stage.invoice().await?.payee == bob.public_key());
        }
        Ok((SOME / 4..=SOME * 3 / 4).contains(&by_bob).then_some(()))
    })
    .await?;
    stage.ready(2).await?;
    let samples = load.end_with(0).await?;
    assert_eq!(failures(&samples), Vec::<String>::new());
    stage.end().await
}

async fn refused(node: &Lnd, macaroon: &Path, command: &str) -> String {
    match node.lncli_with(macaroon, &[command]).await {
        Ok(answer) => format!("it answered {answer}"),
        Err(error) => format!("{error:#}"),
    }
}
