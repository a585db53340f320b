//! C5: whatever is sent to a public route, the answer is one that every wallet and every page can read.
//!
//! A 500 comes from a broken database; one from a panic cannot be had from outside, and is held by the
//! library's own tests.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use switchgear_ln::sim::Fault;
use switchgear_tests::{Service, Signal, SwgrOptions, eventually};

use crate::{
    case::{Cached, Case, all_can_be_read, can_be_read, is_lnurl_error},
    http2::Http2,
    offers::NewOffer,
    stage::{PATIENCE, Stage, both_ways},
};

const VIEWS: [&str; 4] = ["", "/invoice?amount=1000", "/bech32", "/bech32/qr"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_every_answer_can_be_read() -> anyhow::Result<()> {
    for options in both_ways() {
        let stage = Stage::start(&options, 1).await?;
        let mut admin = stage.admin(Service::Offer)?;
        let endless = NewOffer::new("endless", 1_000, 9_000);
        let endless = endless.publish(&mut admin).await?;
        let ending = NewOffer::new("ending", 1_000, 9_000).until("2099-12-31T23:59:59Z");
        let ending = ending.publish(&mut admin).await?;
        let over = NewOffer::new("over", 1_000, 9_000).until("2021-01-01T00:00:00Z");
        let over = over.publish(&mut admin).await?;

        let cases = cases(&endless, &ending, &over);
        all_can_be_read(&stage.door(Service::Lnurl)?, &cases).await?;
        stage.end().await?;
    }
    Ok(())
}

/// Of an offer without an end, of one with an end, and of one that is over.
fn cases(endless: &str, ending: &str, over: &str) -> Vec<Case> {
    let mut cases = vec![
        Case::new("/health", 200),
        Case::new("/health/full", 200),
        Case::new("/health/full?partition=default", 200),
        Case::new("/health/full?partition=elsewhere", 404),
        Case::new("/openapi.json", 200).cached(Cached::AsTheServiceLikes),
        Case::new("/", 404),
        Case::new("/nothing/here", 404),
        Case::new(format!("{endless}/"), 404),
    ];
    for view in VIEWS {
        let good = Case::new(endless.to_owned() + view, 200);
        cases.push(good);
        let kept = if view.contains("invoice") {
            Cached::No
        } else {
            Cached::UntilItsEnd
        };
        cases.push(Case::new(ending.to_owned() + view, 200).cached(kept));
        for missing in [
            over,
            "/offers/default/00000000-0000-4000-8000-000000000000",
            "/offers/default/no-id",
            "/offers/elsewhere/00000000-0000-4000-8000-000000000000",
            "/offers/%00/%FF",
        ] {
            cases.push(Case::new(missing.to_owned() + view, 404));
        }
        let foreign = Case::new(endless.to_owned() + view, 400);
        // The second host beside the right one.
        cases.push(foreign.with_headers("Host: evil.example\r\n"));
        let large = Case::new(endless.to_owned() + view, 413);
        cases.push(large.with_headers("Content-Length: 70000\r\n"));
    }
    for query in ["", "?amount=1", "?amount=1000&amount=1000"] {
        cases.push(Case::new(format!("{endless}/invoice{query}"), 400));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_every_failure_can_be_read() -> anyhow::Result<()> {
    const LINES: [&str; 2] = ["backoff: { type: stop }", "cache-ttl-secs: 0"];

    for options in both_ways() {
        let stage = Stage::start(&options.with_lines(Service::Lnurl, &LINES), 0).await?;
        let door = stage.door(Service::Lnurl)?;
        let offer = NewOffer::new("no node", 1_000, 9_000);
        let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
        let invoice = format!("{path}/invoice?amount=1000");
        // HEAD asks no node, and so misses none.
        let answer = door.get(&invoice).await?;
        can_be_read(&Case::new(&invoice, 502), "GET", &answer)?;
        all_can_be_read(&door, &[Case::new("/health/full", 500)]).await?;

        let file = stage.swgr.folder().join("swgr.db");
        let mut database = SqliteConnection::establish(&file.display().to_string())?;
        database.batch_execute("PRAGMA busy_timeout = 5000; ALTER TABLE offers RENAME TO gone;")?;
        let broken = VIEWS.map(|view| Case::new(path.clone() + view, 500));
        all_can_be_read(&door, &broken).await?;
        let logged = stage.log_lines(&["could not be looked up"])?;
        assert!(!logged.is_empty(), "the log says why");
        stage.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_what_is_too_late_or_too_much_can_be_read() -> anyhow::Result<()> {
    const LINES: [&str; 2] = [
        "limits: { connections: 3, request-timeout-secs: 2 }",
        "shutdown-delay-secs: 3",
    ];

    let options = SwgrOptions::new().with_lines(Service::Lnurl, &LINES);
    let stage = Stage::start(&options, 1).await?;
    let door = stage.door(Service::Lnurl)?;
    let offer = NewOffer::new("late", 1_000, 9_000);
    let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
    let late = Case::new(format!("{path}/invoice?amount=1000"), 503);
    stage.nodes[0].set_fault(Some(Fault::HangInvoices)).await?;
    // More at once than there may be: some hear so at once, and the others when their time is over.
    let client = Http2::open(&door).await?;
    let scheme = if door.is_tls() { "https" } else { "http" };
    let mut asked = Vec::new();
    for _ in 0..5 {
        let uri = format!("{scheme}://{}{}", door.address(), late.path);
        asked.push(client.ask(http::Request::get(uri).body(())?).await?);
    }
    let mut reasons = BTreeSet::new();
    for answer in asked {
        let answer = answer.await?;
        can_be_read(&late, "GET", &answer)?;
        reasons.insert(answer.json()?["reason"].to_string());
    }
    assert_eq!(reasons.len(), 2, "too late, and too much: {reasons:?}");
    assert!(stage.nodes[0].faults_served() > 0, "the node was asked");
    stage.nodes[0].set_fault(None).await?;
    drop(client);

    stage.swgr.signal(Signal::TERM)?;
    let readiness = Case::new("/health/full", 503);
    eventually("the drain", PATIENCE, async || {
        let answer = door.get(&readiness.path).await?;
        Ok((answer.status == 503).then_some(()))
    })
    .await?;
    all_can_be_read(&door, &[readiness]).await?;
    let status = stage.swgr.ended().await?;
    ensure!(status.success(), "swgr ended with {status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_errors_as_200_are_the_same_errors() -> anyhow::Result<()> {
    const LINES: [&str; 2] = ["errors-as-200: true", "backoff: { type: stop }"];

    let options = SwgrOptions::new().with_lines(Service::Lnurl, &LINES);
    let stage = Stage::start(&options, 0).await?;
    let door = stage.door(Service::Lnurl)?;
    let offer = NewOffer::new("as 200", 1_000, 9_000);
    let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
    for target in [
        format!("{path}/invoice"),
        format!("{path}/invoice?amount=1000"),
        format!("{path}x"),
        "/".to_owned(),
    ] {
        let answer = door.get(&target).await?;
        assert_eq!(answer.status, 200, "{target}");
        is_lnurl_error(&answer).context(target)?;
    }
    let health = door.get("/health/full").await?;
    assert_eq!(health.status, 500, "programs go by the status");
    stage.end().await
}
