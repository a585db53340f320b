//! D4: a callback points to `public-url`, or to a host of the list with a numeric port; what a stranger
//! forwards counts for nothing.

use anyhow::Context as _;
use switchgear_tests::{Answer, Door, Service, SwgrOptions};

use crate::{
    http2::Http2,
    offers::NewOffer,
    stage::{Stage, both_ways},
};

const HOSTS: [&str; 3] = ["lnurl.example.com", "ported.example:8443", "[::1]"];

/// Hosts that are served, and what stands in the callback; `$` is the port that the scheme implies.
const GOOD: [(&str, &str); 7] = [
    ("lnurl.example.com", "lnurl.example.com"),
    ("LNURL.Example.COM", "lnurl.example.com"),
    ("lnurl.example.com:9000", "lnurl.example.com:9000"),
    ("lnurl.example.com:$", "lnurl.example.com"),
    ("ported.example:8443", "ported.example:8443"),
    ("[::1]", "[::1]"),
    ("[0:0:0:0:0:0:0:1]:9000", "[::1]:9000"),
];

/// Hosts that are refused.
const BAD: [&str; 32] = [
    "",
    "evil.com",
    "example.com",
    "sub.lnurl.example.com",
    "lnurl.example.com.evil.com",
    "xlnurl.example.com",
    "lnurl.example.com.",
    "lnurl.example.com:",
    "lnurl.example.com:0",
    "lnurl.example.com:x",
    "lnurl.example.com:+443",
    "lnurl.example.com:65536",
    "lnurl.example.com:443:443",
    "lnurl.example.com:x@evil.com",
    "lnurl.example.com:443@evil.com",
    "lnurl.example.com@evil.com",
    "user@lnurl.example.com",
    "user:word@lnurl.example.com",
    "lnurl.example.com, evil.com",
    "lnurl.example.com evil.com",
    "lnurl.example.com/evil",
    "lnurl.example.com?evil",
    "lnurl.example.com#evil",
    "lnurl.example.com\\evil",
    "lnurl.example.com%00",
    "lnurl%2eexample.com",
    "http://lnurl.example.com",
    "ported.example",
    "ported.example:8444",
    "[::2]",
    "::1",
    "[::1]evil.com",
];

/// What a stranger adds to a good request.
const FORWARDED: [&str; 8] = [
    "Forwarded: for=1.2.3.4;host=evil.com;proto=gopher",
    "Forwarded: host=\"evil.com:x@evil.com\"",
    "X-Forwarded-Host: evil.com",
    "X-Forwarded-Proto: javascript",
    "X-Forwarded-Port: 6666",
    "X-Forwarded-Server: evil.com",
    "X-Original-Host: evil.com",
    "X-Host: evil.com",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_callbacks_point_to_a_host_of_the_list() -> anyhow::Result<()> {
    for options in both_ways() {
        let bench = Bench::start(options.with_hosts(&HOSTS)).await?;
        for (sent, expected) in GOOD {
            let sent = sent.replace('$', bench.port());
            let answer = bench.ask(&bench.path, &[&format!("Host: {sent}")]).await?;
            bench.points_to(&answer, expected).context(sent)?;
        }
        for sent in BAD {
            let answer = bench.ask(&bench.path, &[&format!("Host: {sent}")]).await?;
            bench.is_refused(&answer).context(sent)?;
        }
        bench.stage.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_two_hosts_are_one_too_many() -> anyhow::Result<()> {
    const GOOD: &str = "Host: lnurl.example.com";
    const EVIL: &str = "Host: evil.com";

    for options in both_ways() {
        let bench = Bench::start(options.with_hosts(&HOSTS)).await?;
        let path = bench.path.as_str();
        let absolute = |host: &str| format!("{}://{host}{path}", bench.scheme());
        let (own, foreign) = (absolute("lnurl.example.com"), absolute("evil.com"));
        let user = absolute("lnurl.example.com:x@evil.com");
        for (target, hosts) in [
            (path, &[][..]),
            (path, &[GOOD, GOOD]),
            (path, &[GOOD, EVIL]),
            (path, &[EVIL, GOOD]),
            (&own, &[EVIL]),
            (&foreign, &[GOOD]),
            (&foreign, &[EVIL]),
            (&user, &[GOOD]),
        ] {
            let answer = bench.ask(target, hosts).await?;
            let refused = bench.is_refused(&answer);
            refused.with_context(|| format!("{target} {hosts:?}"))?;
        }
        let answer = bench.ask(&own, &[GOOD]).await?;
        bench.points_to(&answer, "lnurl.example.com")?;
        bench.stage.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_http2_authorities_count_as_hosts() -> anyhow::Result<()> {
    for options in both_ways() {
        let bench = Bench::start(options.with_hosts(&HOSTS)).await?;
        for (authority, host, expected) in [
            ("lnurl.example.com", None, Some("lnurl.example.com")),
            (
                "LNURL.example.com:9000",
                None,
                Some("lnurl.example.com:9000"),
            ),
            (
                "lnurl.example.com",
                Some("lnurl.example.com"),
                Some("lnurl.example.com"),
            ),
            ("evil.com", None, None),
            ("lnurl.example.com", Some("evil.com"), None),
            ("evil.com", Some("lnurl.example.com"), None),
            ("lnurl.example.com:x@evil.com", None, None),
        ] {
            let answer = bench.ask_http2(authority, host).await;
            let what = format!("{authority} {host:?}");
            match (expected, answer) {
                (Some(expected), answer) => bench.points_to(&answer?, expected).context(what)?,
                (None, Ok(answer)) => bench.is_refused(&answer).context(what)?,
                // Some authorities a client cannot even send.
                (None, Err(_)) => assert!(authority.contains('@'), "{what}"),
            }
        }
        bench.stage.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_what_strangers_forward_is_not_read() -> anyhow::Result<()> {
    for options in both_ways() {
        // Somebody is trusted, but nobody who asks here.
        let trusted = ["trusted-proxies: [10.0.0.0/8, \"2001:db8::/32\"]"];
        let options = options.with_hosts(&HOSTS);
        let bench = Bench::start(options.with_lines(Service::Lnurl, &trusted)).await?;
        for forwarded in FORWARDED {
            let headers = ["Host: lnurl.example.com", forwarded];
            let answer = bench.ask(&bench.path, &headers).await?;
            let points = bench.points_to(&answer, "lnurl.example.com");
            points.context(forwarded)?;
            // Nor does it make a foreign host one's own.
            let rescue = ["Host: evil.com", "X-Forwarded-Host: lnurl.example.com"];
            bench.is_refused(&bench.ask(&bench.path, &rescue).await?)?;
        }
        let logged = bench.stage.log_lines(&["clf::lnurl: 1.2.3.4"])?;
        assert_eq!(logged, Vec::<String>::new(), "the client's address");
        bench.stage.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_what_a_trusted_proxy_forwards_is_read() -> anyhow::Result<()> {
    const FOR: &str = "X-Forwarded-For: 9.9.9.9, 198.51.100.7";
    const HOST: &str = "X-Forwarded-Host: lnurl.example.com";

    let trusted = ["trusted-proxies: [127.0.0.0/8]"];
    let options = SwgrOptions::new().with_hosts(&HOSTS);
    let bench = Bench::start(options.with_lines(Service::Lnurl, &trusted)).await?;
    for (headers, callback) in [
        (
            &[HOST, FOR, "X-Forwarded-Proto: https"][..],
            "https://lnurl.example.com",
        ),
        (&[HOST, FOR], "http://lnurl.example.com"),
        (
            &["Forwarded: for=198.51.100.7;host=\"lnurl.example.com:9000\";proto=https"],
            "https://lnurl.example.com:9000",
        ),
    ] {
        let headers = [&["Host: 127.0.0.1"], headers].concat();
        let answer = bench.ask(&bench.path, &headers).await?;
        let expected = format!("{callback}{}/invoice", bench.path);
        let json = answer.json()?;
        assert_eq!(json["callback"], expected, "{headers:?}: {json}");
    }
    let logged = bench.stage.log_lines(&["clf::lnurl: 198.51.100.7 "])?;
    assert_eq!(logged.len(), 3, "the client, and not what it claimed");

    // From whom is trusted, what is not clear is refused, not guessed.
    for unclear in [
        "X-Forwarded-Host: evil.com",
        "X-Forwarded-Host: lnurl.example.com:x@evil.com",
        "X-Forwarded-Proto: javascript",
        "Forwarded: host=\"lnurl.example.com\";host=\"evil.com\"",
        "Forwarded: host=evil.com",
        "Forwarded: for=\"",
        "X-Forwarded-For: not an address",
    ] {
        let headers = ["Host: lnurl.example.com", unclear];
        let answer = bench.ask(&bench.path, &headers).await?;
        bench.is_refused(&answer).context(unclear)?;
    }
    bench.stage.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_a_public_url_stands_whatever_is_sent() -> anyhow::Result<()> {
    for options in both_ways() {
        let public = ["public-url: \"https://pay.example/shop/\""];
        let options = options.with_hosts(&[]);
        let bench = Bench::start(options.with_lines(Service::Lnurl, &public)).await?;
        let public = format!("https://pay.example/shop{}/invoice", bench.path);
        let good = GOOD.map(|(host, _)| host.replace('$', bench.port()));
        let hosts = good.iter().map(String::as_str).chain(BAD);
        let lines = hosts.map(|host| format!("Host: {host}"));
        let forwarded = FORWARDED.map(|line| format!("Host: evil.com\r\n{line}"));
        let mut wrong = Vec::new();
        // No host is read, and so none is refused.
        for headers in lines.chain(forwarded) {
            let answer = bench.ask(&bench.path, &[&headers]).await?;
            let is_right = answer.status == 200 && answer.json()?["callback"] == public;
            if !is_right {
                wrong.push(format!("{headers}: {} {}", answer.status, answer.text()));
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
        bench.stage.end().await?;
    }
    Ok(())
}

struct Bench {
    stage: Stage,
    door: Door,
    path: String,
}

impl Bench {
    async fn start(options: SwgrOptions) -> anyhow::Result<Self> {
        let stage = Stage::start(&options, 0).await?;
        let offer = NewOffer::new("hosts", 1_000, 9_000);
        Ok(Self {
            path: offer.publish(&mut stage.admin(Service::Offer)?).await?,
            door: stage.door(Service::Lnurl)?,
            stage,
        })
    }

    fn scheme(&self) -> &'static str {
        if self.door.is_tls() { "https" } else { "http" }
    }

    /// What the scheme implies.
    fn port(&self) -> &'static str {
        if self.door.is_tls() { "443" } else { "80" }
    }

    /// Sends these headers and no other.
    async fn ask(&self, target: &str, headers: &[&str]) -> anyhow::Result<Answer> {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("GET {target} HTTP/1.1\r\n{headers}\r\n");
        self.door.ask(request).await
    }

    async fn ask_http2(&self, authority: &str, host: Option<&str>) -> anyhow::Result<Answer> {
        let uri = format!("{}://{authority}{}", self.scheme(), self.path);
        let mut request = http::Request::get(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let client = Http2::open(&self.door).await?;
        client.ask(request.body(())?).await?.await
    }

    fn points_to(&self, answer: &Answer, authority: &str) -> anyhow::Result<()> {
        let callback = answer.json()?["callback"].clone();
        let expected = format!("{}://{authority}{}/invoice", self.scheme(), self.path);
        anyhow::ensure!(callback == expected, "{} {callback}", answer.status);
        Ok(())
    }

    /// Nothing of what was sent is in the answer.
    fn is_refused(&self, answer: &Answer) -> anyhow::Result<()> {
        let text = answer.text();
        anyhow::ensure!(answer.status == 400, "{} {text}", answer.status);
        anyhow::ensure!(!text.contains("evil"), "{text}");
        Ok(())
    }
}
