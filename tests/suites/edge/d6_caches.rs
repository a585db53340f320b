//! D6: a cache in front never gives one wallet what another, or a stranger, was told.

use anyhow::ensure;
use switchgear_tests::{Answer, Door, Nginx, Service, SwgrOptions};

use crate::{offers::NewOffer, stage::Stage};

const HOSTS: [&str; 2] = ["lnurl.example.com", "pay.example.net"];

/// What a wallet, a page and a stranger send besides; none of it makes another answer.
const HEADERS: [&str; 5] = [
    "",
    "Accept: text/html\r\n",
    "Accept: application/json\r\nAccept-Encoding: gzip, br\r\n",
    "Origin: https://shop.example\r\n",
    "Origin: https://evil.com\r\nCookie: a=b\r\n",
];

/// What a stranger would have the cache keep for others.
const POISON: [&str; 4] = [
    "X-Forwarded-Host: evil.com\r\n",
    "Forwarded: host=evil.com;proto=gopher\r\n",
    "X-Forwarded-Proto: javascript\r\n",
    "X-Original-URL: /evil\r\n",
];

/// As careless as a cache can be set up: the host is not in its key, and all depends on `Vary`.
const CACHE: &str = "proxy_cache_path cache keys_zone=all:1m;";

fn proxy(to: &Door, more: &str) -> String {
    let to = to.address();
    format!(
        "location / {{
           proxy_pass http://{to};
           proxy_cache all;
           proxy_cache_key $uri$is_args$args;
           proxy_set_header Host $http_host;
           add_header X-Cache $upstream_cache_status always;
           {more}
         }}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_a_cache_gives_nobody_what_another_was_told() -> anyhow::Result<()> {
    let Some(bench) = Bench::start(&[], "").await? else {
        return Ok(());
    };
    for view in ["", "/bech32", "/bech32/qr"] {
        let target = format!("{}{view}", bench.path);
        for poison in POISON {
            let answer = bench.ask(&target, "evil.com", poison).await?;
            ensure!(answer.status == 400, "{}", answer.text());
        }
        let mut hits = 0;
        let mut bodies = Vec::new();
        for host in HOSTS {
            // A stranger comes first, and tries to be the one whose answer is kept.
            for poison in POISON {
                bench.ask(&target, host, poison).await?;
            }
            let own = bench.fresh(&target, host).await?.body;
            for headers in HEADERS.iter().chain(&POISON) {
                let answer = bench.ask(&target, host, headers).await?;
                assert_eq!(answer.status, 200, "{target} {host} {headers}");
                assert_eq!(answer.body, own, "{target} {host} {headers}");
                assert!(answer.header("vary").contains("Host"), "{answer:?}");
                hits += usize::from(answer.header("x-cache") == "HIT");
            }
            bodies.push(own);
        }
        assert_ne!(bodies[0], bodies[1], "each has its own host in it");
        assert!(hits > HEADERS.len(), "the cache was at work: {hits} hits");
    }
    bench.stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_a_cache_that_is_trusted_is_poisoned_by_nobody() -> anyhow::Result<()> {
    const TRUSTED: [&str; 1] = ["trusted-proxies: [127.0.0.0/8]"];
    const FORWARDS: &str = "proxy_set_header X-Forwarded-Host $http_host;
                            proxy_set_header X-Forwarded-Proto https;
                            proxy_set_header X-Forwarded-For $remote_addr;";

    let Some(bench) = Bench::start(&TRUSTED, FORWARDS).await? else {
        return Ok(());
    };
    let mut hits = 0;
    for host in HOSTS {
        for poison in POISON {
            bench.ask(&bench.path, host, poison).await?;
        }
        for _ in 0..3 {
            let answer = bench.ask(&bench.path, host, "").await?;
            let callback = answer.json()?["callback"].clone();
            let expected = format!("https://{host}{}/invoice", bench.path);
            assert_eq!(callback, expected, "{answer:?}");
            hits += usize::from(answer.header("x-cache") == "HIT");
        }
    }
    assert!(hits > 0, "the cache was at work");
    bench.stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_invoices_and_errors_are_never_kept() -> anyhow::Result<()> {
    let Some(bench) = Bench::start(&[], "").await? else {
        return Ok(());
    };
    // It keeps what may be kept.
    for expected in ["MISS", "HIT"] {
        let answer = bench.ask(&bench.path, HOSTS[0], "").await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-cache"), expected, "{answer:?}");
    }
    let mut invoices = Vec::new();
    for _ in 0..3 {
        let target = format!("{}/invoice?amount=1000", bench.path);
        let answer = bench.ask(&target, HOSTS[0], "").await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        is_not_kept(&answer);
        invoices.push(answer.json()?["pr"].to_string());
        for refused in [
            format!("{}/invoice", bench.path),
            format!("{}x", bench.path),
        ] {
            let answer = bench.ask(&refused, HOSTS[0], "").await?;
            assert!(answer.status >= 400, "{refused}: {answer:?}");
            is_not_kept(&answer);
        }
    }
    invoices.sort();
    invoices.dedup();
    assert_eq!(invoices.len(), 3, "each is another");
    bench.stage.end().await
}

/// The cache looked, and had to ask.
fn is_not_kept(answer: &Answer) {
    let cache = answer.header("x-cache");
    assert!(["MISS", "BYPASS"].contains(&cache.as_str()), "{answer:?}");
}

struct Bench {
    stage: Stage,
    nginx: Nginx,
    path: String,
}

impl Bench {
    /// `swgr` behind a cache; `None` where there is no nginx, which was said then.
    async fn start(lines: &[&str], proxy_lines: &str) -> anyhow::Result<Option<Self>> {
        let options = SwgrOptions::new().with_hosts(&HOSTS);
        let stage = Stage::start(&options.with_lines(Service::Lnurl, lines), 1).await?;
        let offer = NewOffer::new("cached", 1_000, 9_000).until("2099-12-31T23:59:59Z");
        let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
        let server = proxy(&stage.door(Service::Lnurl)?, proxy_lines);
        let nginx = Nginx::start_or_skip(CACHE, &server).await?;
        Ok(nginx.map(|nginx| Self { stage, nginx, path }))
    }

    async fn ask(&self, target: &str, host: &str, headers: &str) -> anyhow::Result<Answer> {
        let door = Door::plain(self.nginx.address());
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n");
        door.ask(request).await
    }

    /// What the service itself says.
    async fn fresh(&self, target: &str, host: &str) -> anyhow::Result<Answer> {
        let door = self.stage.door(Service::Lnurl)?;
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        door.ask(request).await
    }
}
