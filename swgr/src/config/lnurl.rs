use std::{collections::BTreeSet, time::Duration};

use switchgear_core::{Partition, lnurl::CommentLimit};
use switchgear_http::client::TrustedProxies;
use url::Url;

use super::{
    balance::{self, BalanceSection},
    listener::{self, Listener},
    reader::{List, Section, join},
    scalar::{base_url, boolean, host, integer, network, partition, seconds_or_none},
};

/// `lnurl-service`.
#[derive(Debug, Clone, PartialEq)]
pub struct LnurlSection {
    /// Where it listens, by default 127.0.0.1:8080.
    pub listener: Listener,
    /// `partitions` that are served, by default `default`.
    pub partitions: BTreeSet<Partition>,
    /// How nodes are watched and asked.
    pub balance: BalanceSection,
    /// `invoice-expiry-secs`, by default 180.
    pub invoice_expiry: Duration,
    /// `public-url`: the base of callbacks, whatever a request's headers say.
    pub public_url: Option<Url>,
    /// `allowed-hosts` that callbacks may name; empty only beside a `public-url`.
    pub allowed_hosts: Vec<String>,
    /// `trusted-proxies`, by default none: networks whose `Forwarded` or `X-Forwarded-*` headers are
    /// believed, for the client's address, scheme and host.
    pub trusted_proxies: TrustedProxies,
    /// `comment-allowed` in characters, by default off.
    pub comment: Option<CommentLimit>,
    /// `bech32-qr-scale`, `bech32-qr-light`, `bech32-qr-dark`.
    pub qr: QrSection,
    /// `errors-as-200`, by default false: LNURL errors go out with status 200.
    pub errors_as_200: bool,
    /// `cache-ttl-secs`, by default 1: how stale an offer may be that is served from the cache, which is
    /// off at 0.
    pub cache_ttl: Duration,
    /// `shutdown-delay-secs`, by default 0: between readiness going and listeners closing.
    pub shutdown_delay: Duration,
}

/// How QR codes are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QrSection {
    /// Pixels of a module's side, by default 8.
    pub scale: u8,
    /// Grey level of the light modules, by default 255.
    pub light: u8,
    /// Grey level of the dark modules, by default 0.
    pub dark: u8,
}

pub(super) fn read(mut section: Section<'_>) -> LnurlSection {
    const YEAR: u64 = 31_536_000;

    let listener = listener::read(&mut section, 8080);
    let partitions = read_partitions(&mut section);
    let balance = balance::read(&mut section);
    let expiry = section.leaf("invoice-expiry-secs", integer(1..=YEAR));
    let (public_url, allowed_hosts) = read_callback(&mut section);
    let comment = section.leaf(("comment-allowed", "comment_allowed"), integer(0..=10_000));
    let qr = read_qr(&mut section);
    let errors_as_200 = section.leaf("errors-as-200", boolean);
    let shutdown_delay = section.leaf("shutdown-delay-secs", seconds_or_none);
    let cache_ttl = section.leaf("cache-ttl-secs", seconds_or_none);
    let trusted_proxies = section.list("trusted-proxies", network).into_values();
    section.finish();
    LnurlSection {
        listener,
        partitions,
        balance,
        invoice_expiry: Duration::from_secs(expiry.unwrap_or(180)),
        public_url,
        allowed_hosts,
        trusted_proxies: trusted_proxies.into_iter().collect(),
        comment: comment.and_then(CommentLimit::new),
        qr,
        errors_as_200: errors_as_200.unwrap_or(false),
        cache_ttl: cache_ttl.unwrap_or(Duration::from_secs(1)),
        shutdown_delay: shutdown_delay.unwrap_or_default(),
    }
}

fn read_partitions(section: &mut Section<'_>) -> BTreeSet<Partition> {
    match section.list("partitions", partition) {
        List::Absent => Partition::try_new("default").into_iter().collect(),
        List::Values(partitions) if partitions.is_empty() => {
            let at = section.position("partitions");
            let path = join(section.path(), "partitions");
            let hint = "leave it out for `default`".to_owned();
            let message = "must name at least one partition";
            section.sink().error(at, &path, message, Some(hint));
            BTreeSet::new()
        }
        list => list.into_values().into_iter().collect(),
    }
}

fn read_callback(section: &mut Section<'_>) -> (Option<Url>, Vec<String>) {
    let given = section.is_given("public-url");
    let public_url = section.leaf("public-url", base_url);
    let hosts = section.list("allowed-hosts", host);
    let wrong = hosts == List::Wrong;
    let mut hosts = hosts.into_values();
    hosts.retain(|host| !host.is_empty());
    if hosts.is_empty() && !wrong && !given {
        let at = section.position("allowed-hosts");
        let path = join(section.path(), "allowed-hosts");
        let message = "names no host, and there is no public-url: callbacks would have no address";
        let hint = "name the hosts that wallets use, or set public-url".to_owned();
        section.sink().error(at, &path, message, Some(hint));
    }
    (public_url, hosts)
}

fn read_qr(section: &mut Section<'_>) -> QrSection {
    let scale = section.leaf("bech32-qr-scale", integer(1..=64));
    let light = section
        .leaf("bech32-qr-light", integer(0..=255))
        .unwrap_or(255);
    let dark = section
        .leaf("bech32-qr-dark", integer(0..=255))
        .unwrap_or(0);
    if light == dark {
        let at = section.position("bech32-qr-light");
        let path = join(section.path(), "bech32-qr-light");
        let message = "must differ from bech32-qr-dark, or nobody can read the code";
        section.sink().error(at, &path, message, None);
    }
    QrSection {
        scale: scale.unwrap_or(8),
        light,
        dark,
    }
}
