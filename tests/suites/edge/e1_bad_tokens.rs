//! E1: a bad token is answered 401 with the one body that all get, at once, whatever its trick is.
//!
//! A token that names an issuer is none of them: no issuer is agreed upon, so that `iss` says nothing to the services,
//! and a claim that is not understood is ignored (RFC 7519, section 4). Whom a service believes is the key.

use std::{fs, io, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::json;
use switchgear_tests::{Answer, Door, Service, Wire, eventually};
use tokio::time::Instant;

use crate::{
    stage::{PATIENCE, Stage, both_ways},
    tokens::Forger,
};

const LIMIT: Duration = Duration::from_millis(5);

/// The machine has other things to do as well; the best of so many counts.
const TRIES: usize = 8;

const ADMIN: [(Service, &str, &str); 2] = [
    (Service::Discovery, "discovery", "/discovery"),
    (Service::Offer, "offer", "/offers/default"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_bad_tokens_are_refused_alike() -> anyhow::Result<()> {
    for options in both_ways() {
        let stage = Stage::start(&options, 0).await?;
        for (service, name, path) in ADMIN {
            let forger = forger(&stage, name)?;
            let door = stage.door(service)?;
            let mut wire = door.open().await?;
            let without = wire.ask(door.request("GET", path, "")).await?;
            let body = is_challenge(&without, name, false)?;
            let mut tried = 0;
            for (trick, token) in forger.bad_tokens()? {
                let headers = format!("Authorization: Bearer {token}\r\n");
                let best = best_of(&mut wire, &door, path, &headers, |answer| {
                    ensure!(is_challenge(answer, name, true)? == body, "another body");
                    Ok(())
                });
                let best = best.await.with_context(|| format!("{name}: {trick}"))?;
                assert!(best <= LIMIT, "{trick}: {best:?}");
                tried += 1;
            }
            assert_eq!(tried, 29);
            let good = forger.sign(&forger.claims())?;
            is_nowhere_else(&mut wire, &door, &good, path, &body).await?;
            is_not_logged(&stage, &good, path).await?;
        }
        stage.end().await?;
    }
    Ok(())
}

/// A good token counts in one `Authorization` header, and nowhere else.
async fn is_nowhere_else(
    wire: &mut Wire,
    door: &Door,
    good: &str,
    path: &str,
    body: &str,
) -> anyhow::Result<()> {
    let in_query = format!("{path}?access_token={good}&token={good}");
    let header = format!("Authorization: Bearer {good}\r\n");
    for (target, headers) in [
        (path, header.repeat(2)),
        (path, format!("Authorization: Basic {good}\r\n")),
        (path, format!("Authorization: {good}\r\n")),
        (path, format!("X-Authorization: Bearer {good}\r\n")),
        (path, format!("Cookie: token={good}\r\n")),
        (&in_query, String::new()),
    ] {
        let answer = wire.ask(door.request("GET", target, &headers)).await?;
        ensure!(
            answer.status == 401 && answer.text() == body,
            "{target} {headers}: {answer:?}"
        );
    }
    let answer = wire.ask(door.request("GET", path, &header)).await?;
    ensure!(answer.status == 200, "the token is good: {answer:?}");
    Ok(())
}

/// Who sends a good token in the query by mistake does not find it in the log, where many may read.
async fn is_not_logged(stage: &Stage, good: &str, path: &str) -> anyhow::Result<()> {
    let last = format!("\"GET {path} HTTP/1.1\" 200 ");
    let log = eventually("the good request in the log", PATIENCE, async || {
        Ok(Some(stage.swgr.log()?).filter(|log| log.contains(&last)))
    })
    .await?;
    ensure!(!log.contains(good), "a good token is in the log of {path}");
    Ok(())
}

/// A token that is larger than all headers may be never reaches the service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_token_of_a_mebibyte_is_cut_off() -> anyhow::Result<()> {
    for options in both_ways() {
        let stage = Stage::start(&options, 0).await?;
        for (service, name, path) in ADMIN {
            let token = forger(&stage, name)?.with("sub", "a".repeat(1 << 20).into())?;
            let door = stage.door(service)?;
            let headers = format!("Authorization: Bearer {token}\r\n");
            match door.ask(door.request("GET", path, &headers)).await {
                Ok(answer) => assert!([401, 431].contains(&answer.status), "{answer:?}"),
                // Who is cut off may hear nothing any more, while the rest is on its way.
                Err(error) => assert!(is_hung_up(&error), "{name}: {error:#}"),
            }
            let health = door.get("/health").await?;
            assert_eq!(health.status, 200, "{name} serves others");
        }
        stage.end().await?;
    }
    Ok(())
}

fn is_hung_up(error: &anyhow::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};

    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let kinds = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        UnexpectedEof,
    ];
    kind.is_some_and(|kind| kinds.contains(&kind))
        || error.to_string().contains("the connection ended")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_good_tokens_at_the_edge_are_taken() -> anyhow::Result<()> {
    for options in both_ways() {
        let stage = Stage::start(&options, 0).await?;
        for (service, name, path) in ADMIN {
            let forger = forger(&stage, name)?;
            let door = stage.door(service)?;
            for (what, token) in [
                (
                    "within the leeway",
                    forger.with("exp", (forger.now - 1).into())?,
                ),
                ("not before now", forger.with("nbf", forger.now.into())?),
                ("one of several", forger.with("aud", json!(["x", name]))?),
                ("with an issuer", forger.with("iss", "anybody".into())?),
                ("for ever", forger.with("exp", u64::MAX.into())?),
            ] {
                let headers = format!("Authorization: bEARER   {token} \r\n");
                let answer = door.ask(door.request("GET", path, &headers)).await?;
                assert_eq!(answer.status, 200, "{name}, {what}: {}", answer.text());
            }
        }
        // As editors and `echo` leave it.
        let file = stage.swgr.token(Service::Discovery);
        let token = fs::read_to_string(&file)?;
        fs::write(&file, format!("\n  {token}\r\n\n"))?;
        stage.swgr.cli(&["discovery", "ls"], "").await?;
        stage.end().await?;
    }
    Ok(())
}

/// Asks until one answer came within the limit; gives the quickest.
async fn best_of(
    wire: &mut Wire,
    door: &Door,
    path: &str,
    headers: &str,
    check: impl Fn(&Answer) -> anyhow::Result<()>,
) -> anyhow::Result<Duration> {
    let request = door.request("GET", path, headers);
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let asked = Instant::now();
        let answer = wire.ask(&request).await?;
        best = best.min(asked.elapsed());
        check(&answer)?;
        if best <= LIMIT {
            break;
        }
    }
    Ok(best)
}

/// Gives the body.
fn is_challenge(answer: &Answer, realm: &str, had_token: bool) -> anyhow::Result<String> {
    let error = if had_token {
        r#", error="invalid_token""#
    } else {
        ""
    };
    let expected = format!(r#"Bearer realm="{realm}"{error}"#);
    let challenge = answer.header("www-authenticate");
    ensure!(
        answer.status == 401,
        "answered {}: {}",
        answer.status,
        answer.text()
    );
    ensure!(challenge == expected, "{challenge}");
    Ok(answer.text())
}

fn forger(stage: &Stage, name: &'static str) -> anyhow::Result<Forger> {
    let read = |half: &str| {
        let file = format!("{name}-{half}.pem");
        fs::read_to_string(stage.swgr.folder().join(file))
    };
    Forger::new(name, read("private")?, read("public")?)
}
