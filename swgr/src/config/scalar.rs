//! Readers of single values: each refuses with what the value must be.

use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, str::FromStr, time::Duration};

use switchgear_core::Partition;
use switchgear_http::{client::Network, host::HostPort};
use url::Url;

use super::reader::Leaf;

/// The longest time that a key in seconds takes: a day.
const MAX_SECONDS: f64 = 86_400.0;

pub(super) fn boolean(leaf: &Leaf<'_>) -> Result<bool, String> {
    match leaf.text().trim() {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        other => Err(format!("must be true or false, not `{other}`")),
    }
}

/// A whole number within `range`.
pub(super) fn integer<T>(range: RangeInclusive<T>) -> impl Fn(&Leaf<'_>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    move |leaf| {
        let text = leaf.number();
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                format!("must be a whole number from {least} to {most}, not `{text}`")
            })
    }
}

/// A finite number within `range`.
pub(super) fn number(range: RangeInclusive<f64>) -> impl Fn(&Leaf<'_>) -> Result<f64, String> {
    move |leaf| {
        let text = leaf.number();
        text.parse()
            .ok()
            .filter(|number: &f64| number.is_finite() && range.contains(number))
            .ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                format!("must be a number from {least} to {most}, not `{text}`")
            })
    }
}

/// A time in seconds, above 0 and at most a day.
pub(super) fn seconds(leaf: &Leaf<'_>) -> Result<Duration, String> {
    match duration(leaf) {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!(
            "must be a number of seconds above 0 and at most {MAX_SECONDS}, not `{}`",
            leaf.number()
        )),
    }
}

/// A time in seconds from 0, at most a day.
pub(super) fn seconds_or_none(leaf: &Leaf<'_>) -> Result<Duration, String> {
    duration(leaf).ok_or_else(|| {
        let text = leaf.number();
        format!("must be a number of seconds from 0 to {MAX_SECONDS}, not `{text}`")
    })
}

/// Where a service listens: an IP address and a port.
pub(super) fn socket_address(leaf: &Leaf<'_>) -> Result<SocketAddr, String> {
    let text = leaf.text().trim();
    text.parse().map_err(|_| {
        format!("must be an IP address and a port such as 127.0.0.1:8080, not `{text}`")
    })
}

pub(super) fn partition(leaf: &Leaf<'_>) -> Result<Partition, String> {
    let text = leaf.text().trim();
    Partition::try_new(text).map_err(|error| format!("{}, not `{text}`", error.reason()))
}

/// The base of other URLs, as [`service_url`] reads it.
pub(super) fn base_url(leaf: &Leaf<'_>) -> Result<Url, String> {
    service_url(leaf.text().trim())
}

/// The URL of a service: `http` or `https`, a host, and nothing behind the path. No refusal repeats
/// any part of it.
pub(crate) fn service_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry credentials".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end with its path, without `?` and `#`".to_owned());
    }
    Ok(url)
}

/// A host that callbacks may name, `host` or `host:port`.
pub(super) fn host(leaf: &Leaf<'_>) -> Result<String, String> {
    let text = leaf.text().trim();
    let refuse =
        || format!("must be a host such as pay.example.com or pay.example.com:8443, not `{text}`");
    if text.is_empty() {
        return Ok(String::new());
    }
    match text.parse::<HostPort>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(refuse()),
    }
}

/// A network that proxies stand in: an IP address, or one with the length of its prefix.
pub(super) fn network(leaf: &Leaf<'_>) -> Result<Network, String> {
    let text = leaf.text().trim();
    text.parse().map_err(|_| {
        format!("must be a network such as 10.0.0.0/8 or fd00::/8, or an address, not `{text}`")
    })
}

/// One of a few words.
pub(super) fn word<T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl Fn(&Leaf<'_>) -> Result<T, String> {
    move |leaf| {
        let text = leaf.text().trim();
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            format!("must be one of {}, not `{text}`", all.join(", "))
        })
    }
}

fn duration(leaf: &Leaf<'_>) -> Option<Duration> {
    leaf.number()
        .parse()
        .ok()
        .filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}
