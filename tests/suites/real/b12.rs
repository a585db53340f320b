//! Real nodes freeze, die, shut down, lock and change their credentials, one after the other, under load.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use serde_json::json;
use switchgear_examples::PayInvoice;
use switchgear_tests::Lnd;
use tokio::time::Instant;

use crate::{
    is_long,
    load::{Load, Sample, failures, slowest},
    macaroon::{LEAST, LEAST_CALLS},
    stage::Stage,
    table,
};

/// No request may take as long: the server's own deadline.
const DEADLINE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b12_no_request_fails_while_real_nodes_fail_and_come_back() -> anyhow::Result<()> {
    let Some(stage) = Stage::start(&[]).await? else {
        return Ok(());
    };
    let (alice, bob) = (&stage.regtest.alice, &stage.regtest.bob);
    let macaroon = bob.bake_macaroon("swgr", 1, &LEAST).await?;
    stage.register_plainly(alice).await?;
    stage.register(bob, &macaroon, json!({})).await?;
    stage.ready(2).await?;

    if is_long() {
        // Before the load: setting a password takes a restart.
        alice.set_wallet_password().await?;
        stage.ready(2).await?;
    }

    let mut run = Run::start(&stage);
    run.freezes(bob, alice).await.context("freeze")?;
    run.replaces_macaroon(bob, &macaroon)
        .await
        .context("macaroon")?;
    run.dies(bob, alice).await.context("kill")?;
    if is_long() {
        run.shares_the_coins().await?;
        run.restarts(alice, bob).await.context("restart")?;
        run.shuts_down(bob, alice).await.context("stop")?;
        run.locks(alice, bob).await.context("lock")?;
        run.replaces_certificate(bob, alice)
            .await
            .context("certificate")?;
    }
    run.end().await?;
    stage.end().await
}

/// Two nodes under load: what happens to the one, the other carries.
struct Run<'a> {
    stage: &'a Stage,
    load: Load,
    faults: Vec<&'static str>,
    paid: usize,
    /// From a node's being ready to its first invoice, at the longest.
    slowest_return: Duration,
}

impl<'a> Run<'a> {
    /// Requests of a fault, 3 s of them, or 8 s.
    fn hold() -> usize {
        if is_long() { 160 } else { 60 }
    }

    fn start(stage: &'a Stage) -> Self {
        Self {
            stage,
            load: Load::start(&stage.offer),
            faults: Vec::new(),
            paid: 0,
            slowest_return: Duration::ZERO,
        }
    }

    async fn freezes(&mut self, node: &Lnd, other: &Lnd) -> anyhow::Result<()> {
        self.fails(node, other, "freeze", async || node.freeze())
            .await?;
        let asked = node.lncli_within(&["getinfo"], Duration::from_secs(1));
        let error = refusal(asked.await)?;
        ensure!(error.contains("gave no answer within"), "{error}");
        node.thaw()?;
        self.returns(node).await
    }

    async fn dies(&mut self, node: &Lnd, other: &Lnd) -> anyhow::Result<()> {
        self.fails(node, other, "kill -9", async || node.kill())
            .await?;
        let error = refusal(node.lncli(&["getinfo"]).await)?;
        ensure!(error.contains("connection refused"), "{error}");
        node.restart().await?;
        self.returns(node).await?;
        self.is_paid(node, other).await
    }

    async fn shuts_down(&mut self, node: &Lnd, other: &Lnd) -> anyhow::Result<()> {
        self.fails(node, other, "stop", async || node.stop().await)
            .await?;
        let error = refusal(node.lncli(&["getinfo"]).await)?;
        ensure!(error.contains("connection refused"), "{error}");
        node.restart().await?;
        self.returns(node).await?;
        self.is_paid(node, other).await
    }

    /// At once, with no time between the end and the start.
    async fn restarts(&mut self, node: &Lnd, other: &Lnd) -> anyhow::Result<()> {
        let process = node.process_id();
        self.fails(node, other, "restart", async || node.restart().await)
            .await?;
        ensure!(node.process_id() != process, "it is the process of before");
        self.returns(node).await?;
        self.is_paid(node, other).await
    }

    async fn locks(&mut self, node: &Lnd, other: &Lnd) -> anyhow::Result<()> {
        self.fails(node, other, "lock", async || node.restart_locked().await)
            .await?;
        let error = refusal(node.lncli(&["getinfo"]).await)?;
        ensure!(error.contains("wallet is encrypted"), "{error}");
        node.unlock().await?;
        self.returns(node).await?;
        self.is_paid(node, other).await
    }

    async fn replaces_certificate(&mut self, node: &Lnd, other: &Lnd) -> anyhow::Result<()> {
        let before = fs::read(node.tls_cert_path())?;
        self.fails(node, other, "new certificate", async || {
            node.renew_certificate().await
        })
        .await?;
        ensure!(
            fs::read(node.tls_cert_path())? != before,
            "it is the one of before"
        );
        self.returns(node).await?;
        self.is_paid(node, other).await
    }

    /// The node goes on; only the macaroon that was good is so no more.
    async fn replaces_macaroon(&mut self, node: &Lnd, macaroon: &Path) -> anyhow::Result<()> {
        let old = macaroon.with_file_name("old.macaroon");
        fs::copy(macaroon, &old)?;
        node.bake_macaroon("swgr", 2, &LEAST_CALLS).await?;
        node.delete_root_key(1).await?;
        let error = refusal(node.lncli_with(&old, &["getinfo"]).await)?;
        ensure!(error.contains("cannot get macaroon"), "{error}");
        self.faults.push("new macaroon");
        self.returns(node).await
    }

    /// Lets it happen to a node that took part, and the load go on over the other for a while.
    async fn fails(
        &mut self,
        node: &Lnd,
        other: &Lnd,
        fault: &'static str,
        happens: impl AsyncFnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.load.first_of(node, Instant::now()).await?;
        let since = Instant::now();
        happens().await?;
        self.faults.push(fault);
        self.load.goes_on_for(Self::hold()).await?;
        let made = self.load.made_since(since);
        let carried = made.get(other.public_key()).copied().unwrap_or_default();
        ensure!(carried > 0, "the other made none: {made:?}");
        Ok(())
    }

    /// Back in service: from now on, when it is good, it makes invoices again.
    async fn returns(&mut self, node: &Lnd) -> anyhow::Result<()> {
        let good = Instant::now();
        let first = self.load.first_of(node, good).await?;
        let after = first.asked + first.took - good;
        self.slowest_return = self.slowest_return.max(after);
        self.stage.ready(2).await
    }

    /// The other node pays one of its invoices, end to end.
    async fn is_paid(&mut self, node: &Lnd, by: &Lnd) -> anyhow::Result<()> {
        self.stage.regtest.wait_for_way(by, node).await?;
        let sample = self.load.first_of(node, Instant::now()).await?;
        let invoice = sample.outcome.map_err(anyhow::Error::msg)?;
        by.pay(&invoice.bolt11).await?;
        let settled = node.lookup_invoice(&invoice.payment_hash).await?;
        ensure!(settled.is_settled(), "{settled:?}");
        ensure!(settled.paid_msat == invoice.msat, "{settled:?}");
        self.paid += 1;
        Ok(())
    }

    /// So that bob can pay alice.
    async fn shares_the_coins(&self) -> anyhow::Result<()> {
        let regtest = &self.stage.regtest;
        let gift = regtest.bob.add_invoice(500_000_000, "half of it").await?;
        regtest.alice.pay(&gift.bolt11).await.map(drop)
    }

    /// Judges all requests, with what the nodes remember of them.
    async fn end(self) -> anyhow::Result<()> {
        let least = if is_long() { 2_000 } else { 0 };
        let samples = self.load.end_with(least).await?;
        let failures = failures(&samples);
        let regtest = &self.stage.regtest;
        let lost = lost(&samples, &[&regtest.alice, &regtest.bob]).await?;
        let slowest = slowest(&samples);
        let holds = failures.is_empty() && lost.is_empty() && slowest < DEADLINE;
        let figures = format!(
            "{} asked, {} failed, {} lost, slowest {slowest:.1?}, {} paid end to end, back after {:.1?} at the longest",
            samples.len(),
            failures.len(),
            lost.len(),
            self.paid,
            self.slowest_return
        );
        let what = format!(
            "two real LNDs under 20 requests/s: {}",
            self.faults.join(", ")
        );
        let target = "100% decode with the right amount, hash and payee, 0 failed, 0 lost, each within 5 s, one paid after each restart";
        table::row("B12", &what, &figures, target, holds)?;
        ensure!(holds, "{figures}; {failures:#?}; lost {lost:#?}");
        Ok(())
    }
}

/// Invoices that a wallet holds and their node does not know, or knows as something else. All of them, where they are
/// fewer than the wallets got.
async fn lost(samples: &[Sample], nodes: &[&Lnd]) -> anyhow::Result<Vec<String>> {
    let mut known = BTreeMap::new();
    for node in nodes {
        for invoice in node.invoices().await? {
            known.insert((node.public_key(), invoice.payment_hash.clone()), invoice);
        }
    }
    let given = samples.iter().filter_map(|it| it.outcome.as_ref().ok());
    let lost = given.filter(|given| {
        let key = (given.payee.as_str(), given.payment_hash.clone());
        // Removed, so that the same invoice for two wallets is one lost.
        let known = known.remove(&key);
        known.is_none_or(|known| !is_same(given, &known))
    });
    Ok(lost.map(|invoice| invoice.payment_hash.clone()).collect())
}

fn is_same(given: &PayInvoice, known: &switchgear_tests::Invoice) -> bool {
    given.bolt11 == known.bolt11 && given.msat == known.value_msat
}

/// What a node or its absence says to who asks it in vain.
fn refusal<T>(answer: anyhow::Result<T>) -> anyhow::Result<String> {
    match answer {
        Ok(_) => anyhow::bail!("it answered"),
        Err(error) => Ok(format!("{error:#}")),
    }
}
