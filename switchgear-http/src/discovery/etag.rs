//! Entity tags of the list of backends (RFC 9110, 8.8.3 and 13.1.2), made from the store's version.

use http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use switchgear_core::backend::SnapshotVersion;

/// What must not stand in a tag as it is, and the sign of the escapes themselves.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'"').add(b'%').add(b' ').add(b',');

/// The tag of a version.
pub(super) fn of(version: &SnapshotVersion) -> HeaderValue {
    let mark = utf8_percent_encode(version.as_str(), ESCAPED);
    HeaderValue::try_from(format!("\"{mark}\"")).expect("an escaped mark is visible ASCII")
}

/// The version that a request knows, where it knows exactly one.
pub(super) fn known(headers: &HeaderMap) -> Option<SnapshotVersion> {
    let mut fields = headers.get_all(header::IF_NONE_MATCH).iter();
    let only = fields.next()?.to_str().ok()?;
    let mark = only.strip_prefix('"')?.strip_suffix('"')?;
    if fields.next().is_some() || mark.contains(['"', ',']) {
        return None;
    }
    let mark = percent_decode_str(mark).decode_utf8().ok()?;
    Some(SnapshotVersion::new(&*mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[&str]) -> HeaderMap {
        fields
            .iter()
            .map(|field| (header::IF_NONE_MATCH, field.parse().unwrap()))
            .collect()
    }

    #[test]
    fn gives_back_the_version_of_a_tag_that_is_the_only_one() {
        let version = SnapshotVersion::new("7 \"é\", x%");
        let tag = of(&version);
        let text = tag.to_str().unwrap();
        assert_eq!(known(&headers(&[text])), Some(version));
        let list = format!("{text}, \"b\"");
        for fields in [&[][..], &[list.as_str()], &["*"], &["\"a\"", text], &["7"]] {
            assert_eq!(known(&headers(fields)), None, "{fields:?}");
        }
    }
}
