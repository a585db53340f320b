//! What caches may keep of a response (RFC 9111).

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, header};

/// The no-cache trio: nobody keeps the response, HTTP/1.0 caches included.
pub(crate) fn forbid(headers: &mut HeaderMap) {
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache, must-revalidate"),
    );
    headers.insert(
        header::EXPIRES,
        HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"),
    );
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Lets anybody keep the response until `expires`.
pub(crate) fn allow_until(headers: &mut HeaderMap, expires: DateTime<Utc>, now: DateTime<Utc>) {
    let left = (expires - now).num_seconds().max(0);
    let date = expires.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let lifetime = HeaderValue::try_from(format!("public, max-age={left}"));
    if let (Ok(lifetime), Ok(date)) = (lifetime, HeaderValue::try_from(date)) {
        headers.insert(header::CACHE_CONTROL, lifetime);
        headers.insert(header::EXPIRES, date);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_seconds_left_and_an_http_date() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let mut headers = HeaderMap::new();
        allow_until(&mut headers, now + chrono::TimeDelta::seconds(90), now);
        assert_eq!(headers["cache-control"], "public, max-age=90");
        assert_eq!(headers["expires"], "Tue, 14 Nov 2023 22:14:50 GMT");
    }
}
