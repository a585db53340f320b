//! D3: what is too large or no HTTP is refused or hung up on, and who stands behind a proxy sees no other requests than
//! the proxy does.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use switchgear_tests::{
    Door, Nginx, Service, Swgr, eventually,
    row::{Row, say},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, split},
    time::timeout,
};

use crate::{
    size::{seconds, size},
    smuggling::{PAIRS, pair},
    stage::{PATIENCE, both_ways},
    victim::{SERVICES, Victim},
};

const KIB: usize = 1 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_refuses_what_is_too_large_or_no_http() -> anyhow::Result<()> {
    for options in both_ways() {
        let victim = Victim::start(options, seconds(2, 10)).await?;
        let resident = victim.resident_kib()?;
        let mut row = Row::new(
            "edge",
            "D3",
            format!("what is too large or no HTTP, {}", victim.way()?),
        );
        let (mut sent, mut accepted) = (0, Vec::new());
        for service in SERVICES {
            let token = victim.token(service)?;
            let door = victim.swgr.door(service)?;
            for (name, allowed, request) in malformed(service, &token) {
                let answers = answers(&door, request)
                    .await
                    .with_context(|| format!("{name} at {service:?}"))?;
                sent += 1;
                if !answers.iter().all(|status| allowed.contains(status)) {
                    accepted.push(format!("{name} at {service:?}: {answers:?}"));
                }
            }
        }
        let grown = victim.resident_kib()?.saturating_sub(resident) / KIB;
        victim.must_serve().await?;
        victim.end().await?;
        row.figure(format!("{sent} sent"));
        row.must_for_all("each is refused or hung up on", &accepted);
        row.figure(format!("resident +{grown} MiB"));
        row.must("resident +64 MiB at most", grown <= 64);
        row.finish()?;
    }
    Ok(())
}

/// A request by its name, the statuses that it may be answered by, if by any, and its bytes.
type Malformed = (&'static str, &'static [u16], Vec<u8>);

const TOO_LARGE: &[u16] = &[414, 431];
/// Who reads no body refuses for other reasons.
const ANY_REFUSAL: &[u16] = &[400, 401, 404, 405, 408, 411, 413, 414, 415, 422, 431];

fn malformed(service: Service, token: &str) -> Vec<Malformed> {
    let path = match service {
        Service::Lnurl | Service::Offer => "/offers",
        Service::Discovery => "/discovery",
    };
    let fields = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n");
    let get =
        |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\n{fields}{more}\r\n").into_bytes();
    let post = |more: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\n{fields}Content-Type: application/json\r\n{more}\r\n{body}"
        )
        .into_bytes()
    };
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", body);
    let mebibytes = size(8, 100);
    let mut large = post(
        &format!("Content-Length: {}\r\n", mebibytes * KIB * KIB),
        "",
    );
    large.resize(large.len() + mebibytes * KIB * KIB, b' ');
    let mut endless = chunked("");
    let chunk = [
        format!("{:x}\r\n", KIB * KIB).into_bytes(),
        vec![b' '; KIB * KIB],
        b"\r\n".to_vec(),
    ]
    .concat();
    for _ in 0..mebibytes {
        endless.extend_from_slice(&chunk);
    }
    vec![
        (
            "a head of 64 KiB",
            TOO_LARGE,
            get("/health", &format!("X: {}\r\n", "y".repeat(64 * KIB))),
        ),
        (
            "1,000 fields",
            TOO_LARGE,
            get("/health", &"X: y\r\n".repeat(1_000)),
        ),
        (
            "a target of 16 KiB",
            TOO_LARGE,
            get(&format!("/{}", "x".repeat(16 * KIB)), ""),
        ),
        (
            "a target of 100 KiB",
            TOO_LARGE,
            get(&format!("/{}", "x".repeat(100 * KIB)), ""),
        ),
        ("a large body", ANY_REFUSAL, large),
        ("a large body in chunks", ANY_REFUSAL, endless),
        (
            "a chunk of 2^64 + 1 bytes",
            ANY_REFUSAL,
            chunked("10000000000000001\r\nx\r\n0\r\n\r\n"),
        ),
        (
            "a chunk of -1 bytes",
            ANY_REFUSAL,
            chunked("-1\r\nx\r\n0\r\n\r\n"),
        ),
        (
            "a chunk of 0x1 bytes",
            ANY_REFUSAL,
            chunked("0x1\r\nx\r\n0\r\n\r\n"),
        ),
        (
            "a chunk of no size",
            ANY_REFUSAL,
            chunked("\r\nx\r\n0\r\n\r\n"),
        ),
        (
            "a chunk longer than its size",
            ANY_REFUSAL,
            chunked("1\r\nxyz\r\n0\r\n\r\n"),
        ),
        (
            "a chunk after a bare line feed",
            ANY_REFUSAL,
            chunked("1\nx\n0\n\n"),
        ),
        (
            "a chunk with a long extension",
            ANY_REFUSAL,
            chunked(&format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(64 * KIB))),
        ),
        (
            "1,000 trailers",
            ANY_REFUSAL,
            chunked(&format!("1\r\nx\r\n0\r\n{}\r\n", "T: x\r\n".repeat(1_000))),
        ),
        (
            "an unknown coding",
            ANY_REFUSAL,
            post("Transfer-Encoding: gzip\r\n", "x"),
        ),
        (
            "a length that is none",
            ANY_REFUSAL,
            post("Content-Length: x\r\n", "x"),
        ),
        (
            "a negative length",
            ANY_REFUSAL,
            post("Content-Length: -1\r\n", "x"),
        ),
        (
            "two lengths",
            ANY_REFUSAL,
            post("Content-Length: 1\r\nContent-Length: 2\r\n", "xy"),
        ),
        (
            "no HTTP",
            ANY_REFUSAL,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        ),
        (
            "a field without a colon",
            ANY_REFUSAL,
            get("/health", "nonsense\r\n"),
        ),
        (
            "a field with a NUL",
            ANY_REFUSAL,
            get("/health", "X: a\0b\r\n"),
        ),
        (
            "a name with a space",
            ANY_REFUSAL,
            get("/health", "X y: z\r\n"),
        ),
        (
            "HTTP/3.0",
            ANY_REFUSAL,
            b"GET /health HTTP/3.0\r\nHost: a\r\n\r\n".to_vec(),
        ),
        ("HTTP/0.9", ANY_REFUSAL, b"GET /health\r\n\r\n".to_vec()),
        (
            "CONNECT",
            ANY_REFUSAL,
            format!("CONNECT 127.0.0.1:1 HTTP/1.1\r\n{fields}\r\n").into_bytes(),
        ),
    ]
}

/// Sends it on a connection of its own, which is to be the last there, and gives the statuses of all answers until the
/// server hangs up.
async fn answers(door: &Door, request: Vec<u8>) -> anyhow::Result<Vec<u16>> {
    let (mut reader, mut writer) = split(door.connect(b"http/1.1").await?);
    let sending = tokio::spawn(async move {
        // Who refuses it does not read it to its end.
        let _ = writer.write_all(&request).await;
        let _ = writer.flush().await;
        writer
    });
    let mut said = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, reader.read_to_end(&mut said))
        .await
        .context("it is not hung up")?;
    sending.abort();
    let said = String::from_utf8_lossy(&said);
    let heads = said.match_indices("HTTP/1.1 ");
    let status = heads.filter_map(|(at, _)| said.get(at + 9..at + 12)?.parse().ok());
    Ok(status.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_sees_no_other_requests_than_a_proxy_before_it() -> anyhow::Result<()> {
    let swgr = Swgr::start().await?;
    let back = swgr.door(Service::Lnurl)?.address();
    let http = format!(
        "log_format front '$request_uri $upstream_addr';
upstream back {{ server {back}; keepalive 4; }}"
    );
    // No second try: each request is sent on once at most.
    let server = "access_log access.log front;
location / {
  proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection \"\";
  proxy_set_header Host $http_host; proxy_next_upstream off; proxy_request_buffering off;
}";
    let Some(nginx) = Nginx::start_or_skip(&http, server).await? else {
        return Ok(());
    };
    let front = Door::plain(nginx.address());
    for index in 0..PAIRS {
        let pair = pair(index, &back.to_string()).context("a pair")?;
        let _ = timeout(Duration::from_secs(1), answers(&front, pair)).await;
    }
    front
        .ask(format!(
            "GET /end HTTP/1.1\r\nHost: {back}\r\nConnection: close\r\n\r\n"
        ))
        .await?;

    let log = eventually("the last request in nginx's log", PATIENCE, async || {
        let lines = nginx.requests(PAIRS).await?;
        Ok(lines
            .iter()
            .any(|line| line.starts_with("/end "))
            .then_some(lines))
    })
    .await?;
    let sent_on = log.iter().filter_map(|line| line.split_once(' '));
    let sent_on = counted(
        sent_on
            .filter(|(_, backend)| *backend != "-")
            .map(|(path, _)| path),
    );
    let log = eventually("the last request in the log", PATIENCE, async || {
        Ok(Some(swgr.log()?).filter(|log| log.contains("GET /end ")))
    })
    .await?;
    let seen = log.lines().filter(|line| line.contains("clf::lnurl"));
    let seen = counted(seen.filter_map(|line| line.split('"').nth(1)?.split(' ').nth(1)));
    say(&format!("D3: of {PAIRS} pairs nginx sent on {sent_on:?}"));
    let more = seen.iter().filter_map(|(path, count)| {
        let sent = sent_on.get(path).copied().unwrap_or_default();
        (path != "/health" && *count > sent)
            .then(|| format!("{path} came {count} times, and was sent {sent} times"))
    });
    let mut row = Row::new(
        "edge",
        "D3",
        format!("{PAIRS} smuggling pairs behind nginx"),
    );
    row.figure(format!(
        "{} paths sent on, {} seen",
        sent_on.len(),
        seen.len()
    ));
    row.must_for_all(
        "no request that nginx has not sent",
        &more.collect::<Vec<_>>(),
    );
    row.must(
        "nginx lets some through",
        seen.keys().any(|path| path.starts_with("/pair-")),
    );
    row.finish()
}

fn counted<'a>(paths: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for path in paths {
        *counts.entry(path.to_owned()).or_default() += 1;
    }
    counts
}

/// What is hidden would be answered 200 everywhere, and is looked for in the log as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_answers_a_pair_of_requests_with_one_refusal_and_sees_no_second() -> anyhow::Result<()> {
    for options in both_ways() {
        let victim = Victim::start(options, seconds(2, 10)).await?;
        let mut row = Row::new(
            "edge",
            "D3",
            format!("{PAIRS} smuggling pairs, {}", victim.way()?),
        );
        let mut wrong = Vec::new();
        for door in victim.doors()? {
            for index in 0..PAIRS {
                let pair = pair(index, "127.0.0.1").context("a pair")?;
                let answers = answers(&door, pair)
                    .await
                    .with_context(|| format!("pair {index}"))?;
                // None where it is hung up on without a word.
                let is_one_refusal =
                    answers.len() <= 1 && answers.iter().all(|status| ANY_REFUSAL.contains(status));
                if !is_one_refusal {
                    wrong.push(format!("pair {index} at {door:?}: {answers:?}"));
                }
            }
        }
        row.must_for_all("one refusal at most for each", &wrong);
        let seen = seen_of(&victim).await?;
        row.figure(format!(
            "{} of {} pairs came to a service",
            seen.len(),
            3 * PAIRS
        ));
        row.must(
            "some come to a service",
            seen.iter().any(|line| line.contains("/pair-")),
        );
        let hidden = seen.into_iter().filter(|line| line.contains("hidden-"));
        row.must_for_all("no hidden request in the log", &hidden.collect::<Vec<_>>());
        victim.end().await?;
        row.finish()?;
    }
    Ok(())
}

/// The lines of the log for pairs, once each service has logged a request that came after all of them.
async fn seen_of(victim: &Victim) -> anyhow::Result<Vec<String>> {
    for door in victim.doors()? {
        door.get("/end").await?;
    }
    let log = eventually("the last requests in the log", PATIENCE, async || {
        let log = victim.swgr.log()?;
        let ends = log.matches("\"GET /end ").count();
        Ok((ends >= SERVICES.len()).then_some(log))
    })
    .await?;
    let is_of_a_pair = |line: &&str| line.contains("/pair-") || line.contains("hidden-");
    Ok(log
        .lines()
        .filter(is_of_a_pair)
        .map(str::to_owned)
        .collect())
}
