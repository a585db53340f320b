//! Entity tags and the requests that name them (RFC 9110, 8.8.3 and 13.1.2).

use http::{HeaderMap, HeaderValue, header};

/// Whether a request knows `tag` already, by weak comparison, or takes any.
pub(crate) fn matches(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == *tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_every_form_of_if_none_match() {
        let tag = HeaderValue::from_static("\"7%20x\"");
        for (fields, known) in [
            (&["\"7%20x\""][..], true),
            (&["W/\"7%20x\""], true),
            (&["\"a\", \"7%20x\" ,\"b\""], true),
            (&["*"], true),
            (&["\"a\"", "\"7%20x\""], true),
            (&[], false),
            (&["\"a\""], false),
            (&["7%20x"], false),
            (&["7%20x\""], false),
        ] {
            let headers: HeaderMap = fields
                .iter()
                .map(|field| (header::IF_NONE_MATCH, field.parse().unwrap()))
                .collect();
            assert_eq!(matches(&headers, &tag), known, "{fields:?}");
        }
    }
}
