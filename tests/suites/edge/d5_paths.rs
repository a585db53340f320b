//! D5: however a path is written, there is no error of the server's behind it, no resource of another path, and each
//! refusal is in its service's own style.

use anyhow::{Context as _, ensure};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_tests::{Answer, Door, Service, Wire, row::Row};

use crate::{
    size::{seconds, size},
    stage::both_ways,
    victim::{SERVICES, Victim},
};

/// Of the paths below; one that fails is found again by it.
const SEED: u64 = 0x5377_6974_6368_6765;

/// The ways out of a folder, and the ends of a text, as people have tried them on servers.
const TRICKS: [&str; 30] = [
    "..",
    ".",
    "",
    "/..",
    "/../..",
    "//",
    "/./",
    "..;",
    "%2e%2e",
    "%2E%2E%2F",
    "..%2f",
    "%2f",
    "%2F%2F",
    "%5c",
    "\\",
    "..%5c..",
    "%00",
    "%00.json",
    "%0d%0aX: y",
    "%0a",
    "%252e%252e%252f",
    "%252f",
    "%2500",
    "%c0%ae%c0%ae%c0%af",
    "%e0%80%af",
    "%ff%fe",
    "%u002e",
    "%",
    "%zz",
    "etc/passwd",
];

/// What else a path may be made of.
const LETTERS: &[u8] = b"abcABC019-._~!$&'()*+,;=:@/?#[]{}|^`<>\"\\%% \t\x7f\x80\xc0\xff";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d5_finds_nothing_behind_paths_that_are_none() -> anyhow::Result<()> {
    // TLS changes no path: few are enough there.
    let counts = [size(2_000, 20_000), size(200, 20_000)];
    for (options, count) in both_ways().into_iter().zip(counts) {
        let victim = Victim::start(options, seconds(10, 10)).await?;
        let offer = victim.swgr.publish("a coffee").await?;
        let (_, offer) = offer.split_once("/offers/").context("no offer")?;
        for service in SERVICES {
            let mut asker = Asker::new(&victim, service)?;
            let known = known(service, offer);
            for path in tricks(&known) {
                asker.must_find_nothing_of_others(&path, &known).await?;
            }
            let mut random = StdRng::seed_from_u64(SEED);
            for _ in 0..count {
                let path = fuzzed(&mut random, &known);
                asker.must_find_nothing_of_others(&path, &known).await?;
            }
            let mut row = Row::new("edge", "D5", format!("{service:?}, {}", victim.way()?));
            row.figure(format!(
                "{count} paths of seed {SEED:#x} and all tricks: {} found, {} refused, {} by the parser",
                asker.found, asker.refused, asker.unparsed
            ));
            // The first that does otherwise has ended the test.
            row.must("no 5xx", true);
            row.must("no resource of another path", true);
            row.must("each refusal in the service's style", true);
            row.must("some are found", asker.found > 0);
            row.finish()?;
        }
        victim.end().await?;
    }
    Ok(())
}

/// What there is at a service.
fn known(service: Service, offer: &str) -> Vec<String> {
    let id = offer.trim_start_matches("default/");
    let paths = match service {
        Service::Lnurl => vec![
            "/health".to_owned(),
            "/health/full".to_owned(),
            format!("/offers/{offer}"),
            format!("/offers/{offer}/invoice"),
            format!("/offers/{offer}/bech32"),
            format!("/offers/{offer}/bech32/qr"),
        ],
        Service::Discovery => vec!["/health".to_owned(), "/discovery".to_owned()],
        Service::Offer => vec![
            "/health".to_owned(),
            "/offers/default".to_owned(),
            "/metadata/default".to_owned(),
            format!("/offers/default/{id}"),
        ],
    };
    paths
        .into_iter()
        .chain(["/openapi.json".to_owned()])
        .collect()
}

/// Each trick before, behind and in the middle of each path.
fn tricks(known: &[String]) -> Vec<Vec<u8>> {
    let mut paths: Vec<Vec<u8>> = known.iter().map(|path| path.clone().into_bytes()).collect();
    for path in known {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        for trick in TRICKS {
            for written in [
                format!("/{trick}{path}"),
                format!("{path}{trick}"),
                format!("{path}/{trick}"),
                format!("{folder}/{trick}/{name}"),
                format!("{path}/{trick}/{name}"),
            ] {
                paths.push(written.into_bytes());
            }
        }
    }
    paths
}

/// A path with some of its letters and parts replaced, doubled or left out.
fn fuzzed(random: &mut StdRng, known: &[String]) -> Vec<u8> {
    let mut path = known[random.random_range(0..known.len())]
        .clone()
        .into_bytes();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(1..=path.len());
        let end = random.random_range(at..=path.len());
        let new: Vec<u8> = match random.random_range(0..4) {
            0 => Vec::new(),
            1 => TRICKS[random.random_range(0..TRICKS.len())].into(),
            2 => vec![LETTERS[random.random_range(0..LETTERS.len())]],
            _ => path[at..end]
                .iter()
                .flat_map(|byte| format!("%{byte:02x}").into_bytes())
                .collect(),
        };
        let end = if random.random_bool(0.5) { at } else { end };
        path.splice(at..end, new);
    }
    path
}

/// Somebody with all rights at a service, who asks for one path after the other.
struct Asker {
    service: Service,
    door: Door,
    wire: Option<Wire>,
    token: String,
    found: usize,
    refused: usize,
    unparsed: usize,
}

impl Asker {
    fn new(victim: &Victim, service: Service) -> anyhow::Result<Self> {
        let token = victim.token(service)?;
        Ok(Self {
            service,
            door: victim.swgr.door(service)?,
            wire: None,
            token,
            found: 0,
            refused: 0,
            unparsed: 0,
        })
    }

    async fn must_find_nothing_of_others(
        &mut self,
        path: &[u8],
        known: &[String],
    ) -> anyhow::Result<()> {
        let shown = path.escape_ascii();
        let answer = self.ask(path).await.with_context(|| format!("{shown}"))?;
        match answer.status {
            200 | 204 | 304 => {
                self.found += 1;
                ensure!(is_own(path, &answer, known), "{shown} finds {answer:?}");
            }
            400 if answer.body.is_empty() => {
                self.unparsed += 1;
                // The parser of HTTP refuses what no target may hold.
                ensure!(!is_plain(path), "{shown} is refused without a word");
            }
            400..500 => {
                self.refused += 1;
                self.must_be_in_style(&answer)
                    .with_context(|| format!("{shown}"))?;
            }
            // By contract, for there is no node.
            500 if decoded(path_alone(path)) == b"/health/full" => self.found += 1,
            _ => anyhow::bail!("{shown}: {answer:?}"),
        }
        Ok(())
    }

    /// On a connection that lasts as long as the server lets it.
    async fn ask(&mut self, path: &[u8]) -> anyhow::Result<Answer> {
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => self.door.open().await?,
        };
        let rest = format!(
            " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\r\n",
            self.token
        );
        let answer = wire.ask([b"GET ", path, rest.as_bytes()].concat()).await?;
        if answer.header("connection") != "close" {
            self.wire = Some(wire);
        }
        Ok(answer)
    }

    fn must_be_in_style(&self, answer: &Answer) -> anyhow::Result<()> {
        let body = answer.json()?;
        match self.service {
            Service::Lnurl => {
                ensure!(body["status"] == "ERROR", "no LNURL error: {body}");
                ensure!(body["reason"].is_string(), "no reason: {body}");
                let origin = answer.header("access-control-allow-origin");
                ensure!(origin == "*", "no CORS: {answer:?}");
            }
            Service::Discovery | Service::Offer => {
                ensure!(body["status"] == answer.status, "another status: {body}");
                ensure!(body["title"].is_string(), "no title: {body}");
                let kind = answer.header("content-type");
                ensure!(kind == "application/problem+json", "{kind}");
            }
        }
        Ok(())
    }
}

/// Whether what was found is what the path says, decoded once; or nothing of anybody.
fn is_own(path: &[u8], answer: &Answer, known: &[String]) -> bool {
    let decoded = decoded(path_alone(path));
    answer.text() == "[]" || known.iter().any(|path| path.as_bytes() == decoded)
}

/// Without a query and what follows a number sign.
fn path_alone(target: &[u8]) -> &[u8] {
    let end = target.iter().position(|byte| matches!(byte, b'?' | b'#'));
    &target[..end.unwrap_or(target.len())]
}

/// What stands in per cent by the bytes that it means, once; what is none stays.
fn decoded(mut path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    while let Some((first, rest)) = path.split_first() {
        let byte = rest.get(..2).filter(|_| *first == b'%');
        let byte = byte.and_then(|digits| hex::decode(digits).ok());
        path = if byte.is_some() { &rest[2..] } else { rest };
        decoded.extend(byte.unwrap_or_else(|| vec![*first]));
    }
    decoded
}

/// Whether a request's target may hold all of this.
fn is_plain(path: &[u8]) -> bool {
    path.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte))
}
