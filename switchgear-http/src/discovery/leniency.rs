//! Lists that lack what cannot be read: refused, unless the caller prefers the rest (RFC 7240, 4.4).

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::problem::Problem;

/// Which records a list lacks, by location.
const LEFT_OUT: HeaderName = HeaderName::from_static("switchgear-left-out");

const PREFER: HeaderName = HeaderName::from_static("prefer");

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

const LENIENT: &str = "handling=lenient";

/// How many records a header or a problem names, and how much of a key written by hand, in letters.
const NAMED: usize = 32;
const LONGEST_KEY: usize = 200;

/// What must not stand in a list of a header as it is, and the sign of the escapes themselves.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%').add(b' ').add(b',');

/// Whether the caller takes a list that is not complete.
pub(super) fn is_preferred(headers: &HeaderMap) -> bool {
    headers
        .get_all(PREFER)
        .iter()
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split([',', ';']))
        .any(|preference| {
            let mut parts = preference.splitn(2, '=').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let value = parts.next().unwrap_or_default().trim_matches('"');
            name.eq_ignore_ascii_case("handling") && value.eq_ignore_ascii_case("lenient")
        })
}

/// Says in an answer what its list lacks.
pub(super) fn apply(headers: &mut HeaderMap, left_out: &[String]) {
    let named: Vec<String> = left_out
        .iter()
        .take(NAMED)
        .map(|key| utf8_percent_encode(&shortened(key), ESCAPED).to_string())
        .collect();
    let named = HeaderValue::try_from(named.join(",")).expect("escaped keys are visible ASCII");
    headers.insert(LEFT_OUT, named);
    headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(LENIENT));
}

/// Why there is no list.
pub(super) fn refusal(left_out: &[String]) -> Problem {
    let named: Vec<String> = left_out
        .iter()
        .take(NAMED)
        .map(|key| shortened(key).escape_debug().to_string())
        .collect();
    let more = match left_out.len().saturating_sub(NAMED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let detail = format!(
        "{} of the backends cannot be read: {}{more}. PUT each anew, or DELETE it; with the header \
         `Prefer: {LENIENT}` the others are listed",
        left_out.len(),
        named.join(", "),
    );
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).with_detail(detail)
}

fn shortened(key: &str) -> String {
    key.chars().take(LONGEST_KEY).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_asked_for_in_the_forms_of_the_standard() {
        for (fields, lenient) in [
            (&["handling=lenient"][..], true),
            (&["respond-async, Handling = \"lenient\""], true),
            (&["wait=10", "handling=LENIENT; x=y"], true),
            (&["handling=strict"], false),
            (&["lenient"], false),
            (&["handling"], false),
            (&["handlings=lenient"], false),
            (&[], false),
        ] {
            let headers: HeaderMap = fields
                .iter()
                .map(|field| (PREFER, field.parse().unwrap()))
                .collect();
            assert_eq!(is_preferred(&headers), lenient, "{fields:?}");
        }
    }

    #[test]
    fn names_keys_of_any_letters_and_so_many_of_them() {
        let mut keys = vec!["url/é, %\n".to_owned()];
        keys.extend((0..NAMED).map(|n| format!("url/{n}-{}", "x".repeat(1_000))));
        let mut headers = HeaderMap::new();
        apply(&mut headers, &keys);
        let named: Vec<_> = headers[LEFT_OUT].to_str().unwrap().split(',').collect();
        assert_eq!(named.len(), NAMED);
        assert_eq!(named[0], "url/%C3%A9%2C%20%25%0A");
        assert_eq!(named[1].len(), LONGEST_KEY);
        assert_eq!(headers[PREFERENCE_APPLIED], LENIENT);

        let problem = format!("{:?}", refusal(&keys));
        assert!(problem.contains("33 of the backends"), "{problem}");
        assert!(problem.contains("and 1 more"), "{problem}");
    }
}
