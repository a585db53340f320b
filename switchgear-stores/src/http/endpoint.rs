use std::fmt;

use http::{
    Uri,
    uri::{Authority, Scheme},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use switchgear_core::store::{StoreError, StoreErrorKind};
use url::Url;

/// All that stands unescaped in a path segment (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The root of a remote service.
///
/// URIs are built from text and not by the `url` crate, which drops a segment `..`: that is a legal
/// name of a partition.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl Endpoint {
    pub(super) fn try_new(base_url: &Url) -> Result<Self, StoreError> {
        let scheme = match base_url.scheme() {
            "https" => Scheme::HTTPS,
            "http" => Scheme::HTTP,
            _ => return Err(unusable("must begin with https:// or http://")),
        };
        if !base_url.username().is_empty() || base_url.password().is_some() {
            return Err(unusable("must not carry credentials: a token file does"));
        }
        if base_url.query().is_some() || base_url.fragment().is_some() {
            return Err(unusable("must end with its path"));
        }
        let authority = base_url
            .authority()
            .parse()
            .map_err(|error| unusable("has no usable host").with_source(error))?;
        Ok(Self {
            scheme,
            authority,
            prefix: base_url.path().trim_end_matches('/').to_owned(),
        })
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The URI of `segments` behind the root's own path; `query` is what goes behind the `?`.
    pub(super) fn uri(&self, segments: &[&str], query: Option<&str>) -> Result<Uri, StoreError> {
        let mut path = self.prefix.clone();
        for segment in segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, ESCAPED));
        }
        if let Some(query) = query {
            path.push('?');
            path.push_str(query);
        }
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .map_err(|error| unusable("makes no usable address").with_source(error))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

fn unusable(why: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, format!("the base URL {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, StoreError> {
        Endpoint::try_new(&url.parse().unwrap())
    }

    #[test]
    fn puts_escaped_segments_behind_the_root() {
        for (base, segments, query, uri) in [
            (
                "https://example.com",
                &["discovery"][..],
                None,
                "https://example.com/discovery",
            ),
            (
                "http://[::1]:3001/a%20b//",
                &["offers", "..", "x"],
                None,
                "http://[::1]:3001/a%20b/offers/../x",
            ),
            (
                "https://EXAMPLE.com:8443/x",
                &["offers", "a/b ?#%é"],
                Some("start=0&count=1"),
                "https://example.com:8443/x/offers/a%2Fb%20%3F%23%25%C3%A9?start=0&count=1",
            ),
        ] {
            let built = endpoint(base).unwrap().uri(segments, query).unwrap();
            assert_eq!(built.to_string(), uri);
        }
    }

    #[test]
    fn refuses_a_root_that_it_would_misread_without_repeating_it() {
        for (url, part) in [
            ("ftp://example.com", "must begin with https://"),
            ("https://me:hunter2@example.com", "credentials"),
            ("https://example.com/?a=hunter2", "must end with its path"),
            ("https://example.com/#hunter2", "must end with its path"),
        ] {
            let error = endpoint(url).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Invalid);
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
