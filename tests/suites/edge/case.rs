use std::{fmt, time::Duration};

use anyhow::{Context as _, ensure};
use switchgear_tests::{Answer, Door};

use crate::stage::PATIENCE;

/// Those of the contract, and one that nobody knows.
pub(crate) const METHODS: [&str; 8] = [
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "BREW",
];

const NO_STORE: &str = "no-store, no-cache, must-revalidate";

/// What is sent, and the status of its answer to GET.
pub(crate) struct Case {
    pub(crate) path: String,
    headers: String,
    status: u16,
    cached: Cached,
}

/// What caches may do with a good answer; an error is never kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cached {
    No,
    UntilItsEnd,
    AsTheServiceLikes,
}

impl Case {
    pub(crate) fn new(path: impl Into<String>, status: u16) -> Self {
        Self {
            path: path.into(),
            headers: String::new(),
            status,
            cached: Cached::No,
        }
    }

    pub(crate) fn with_headers(mut self, headers: &str) -> Self {
        self.headers = headers.to_owned();
        self
    }

    pub(crate) fn cached(mut self, cached: Cached) -> Self {
        self.cached = cached;
        self
    }

    /// What a method is answered.
    fn is_expected(&self, method: &str, status: u16) -> bool {
        match method {
            "GET" | "HEAD" => status == self.status,
            "OPTIONS" => status == 204,
            // A path that is none has no methods; which of two faults is named first is no matter.
            _ => status == 405 || (status == self.status && status >= 400),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path, self.status)
    }
}

pub(crate) async fn all_can_be_read(door: &Door, cases: &[Case]) -> anyhow::Result<()> {
    for case in cases {
        for method in METHODS {
            let request = door.request(method, &case.path, &case.headers);
            let answer = door.ask(request).await;
            let answer = answer.with_context(|| format!("{method} {case}"))?;
            can_be_read(case, method, &answer)?;
        }
    }
    Ok(())
}

pub(crate) fn can_be_read(case: &Case, method: &str, answer: &Answer) -> anyhow::Result<()> {
    let read = || {
        let status = answer.status;
        ensure!(case.is_expected(method, status), "answered {status}");
        is_open(answer)?;
        if method == "OPTIONS" {
            return is_preflight(answer);
        }
        if status == 405 {
            let allow = answer.header("allow");
            ensure!(allow == "GET, HEAD, OPTIONS", "Allow: {allow}");
        }
        if method == "HEAD" {
            ensure!(!answer.header("content-type").is_empty(), "no type");
        } else if status >= 400 {
            is_lnurl_error(answer)?;
        }
        let cached = if status < 400 {
            case.cached
        } else {
            Cached::No
        };
        is_cached(answer, cached)
    };
    read().with_context(|| format!("{method} {case}: {answer:?}"))
}

fn is_open(answer: &Answer) -> anyhow::Result<()> {
    let origin = answer.header("access-control-allow-origin");
    ensure!(origin == "*", "pages of origin {origin:?} may read it");
    Ok(())
}

fn is_preflight(answer: &Answer) -> anyhow::Result<()> {
    let methods = answer.header("access-control-allow-methods");
    ensure!(methods.contains("GET"), "methods: {methods:?}");
    ensure!(answer.body.is_empty(), "a body");
    Ok(())
}

pub(crate) fn is_lnurl_error(answer: &Answer) -> anyhow::Result<()> {
    let (kind, json) = (answer.header("content-type"), answer.json()?);
    ensure!(kind == "application/json", "it is {kind}");
    let reason = json["reason"].as_str().unwrap_or_default();
    ensure!(json["status"] == "ERROR", "no LNURL error");
    ensure!(!reason.is_empty(), "no reason");
    Ok(())
}

fn is_cached(answer: &Answer, cached: Cached) -> anyhow::Result<()> {
    let [control, expires, pragma] =
        ["cache-control", "expires", "pragma"].map(|name| answer.header(name));
    match cached {
        Cached::AsTheServiceLikes => {}
        Cached::No => ensure!(
            control == NO_STORE && expires.contains(" 1970 ") && pragma == "no-cache",
            "caches: {control:?}, {expires:?}, {pragma:?}"
        ),
        Cached::UntilItsEnd => {
            let left = control.strip_prefix("public, max-age=");
            let left = Duration::from_secs(left.context(control.clone())?.parse()?);
            ensure!(left > PATIENCE && pragma.is_empty(), "caches: {control:?}");
            ensure!(expires == "Thu, 31 Dec 2099 23:59:59 GMT", "{expires}");
        }
    }
    Ok(())
}
