//! Times as RFC 3339 writes them, and in no other of the forms that parsers let pass.

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};

use crate::invalid::InvalidValue;

/// Reads a time of the years 0 to 9999, in which it can be written again.
pub(super) fn read(field: &'static str, text: &str) -> Result<DateTime<Utc>, InvalidValue> {
    // The library also takes a space between date and time, and a minus that is not ASCII's.
    let is_strict = text.is_ascii() && matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
        .filter(|time| is_strict && (0..=9_999).contains(&time.year()))
        .ok_or_else(|| {
            let reason = "must be an RFC 3339 time such as 2024-01-01T00:00:00Z";
            InvalidValue::new(field, reason)
        })
}

/// Writes a time in UTC, with as many decimals as it has.
pub(super) fn write(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_rfc_allows() {
        for (text, written) in [
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            ("2024-01-01t00:00:00.5z", "2024-01-01T00:00:00.500Z"),
            (
                "2024-01-01T01:30:00.000001+01:30",
                "2024-01-01T00:00:00.000001Z",
            ),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(write(read("timestamp", text).unwrap()), written);
        }
    }

    #[test]
    fn refuses_every_other_form() {
        for text in [
            "",
            "yesterday",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00Z",
            "2024-1-1T0:0:0Z",
            " 2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00 Z",
            "2024-01-01T00:00:00\u{2212}01:00",
            "2024-01-01T00:00:00+0100",
            "2024-02-30T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
        ] {
            let error = read("expires", text).unwrap_err();
            assert_eq!(error.field(), "expires", "{text}");
        }
    }
}
