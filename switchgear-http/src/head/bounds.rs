use http::{Request, StatusCode, Uri};

/// What a field takes on the wire of HTTP/1.1 beside its name and value: `: ` and a line break.
const FIELD_EXTRA: usize = 4;

/// What a head may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Target and fields together, and so the target alone.
    pub(super) bytes: usize,
    pub(super) fields: usize,
}

impl Bounds {
    /// The status and the words for a head that takes more.
    pub(super) fn refusal<B>(&self, request: &Request<B>) -> Option<(StatusCode, String)> {
        let fields = request.headers();
        let target = target_bytes(request.uri());
        if target > self.bytes {
            let words = format!("the target must be at most {} bytes", self.bytes);
            return Some((StatusCode::URI_TOO_LONG, words));
        }
        let too_large = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        if fields.len() > self.fields {
            let words = format!("there must be at most {} header fields", self.fields);
            return Some((too_large, words));
        }
        let bytes: usize = fields
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + FIELD_EXTRA)
            .sum();
        (target + bytes > self.bytes).then(|| {
            let most = self.bytes;
            let words = format!("the target and the header fields must be at most {most} bytes");
            (too_large, words)
        })
    }
}

fn target_bytes(uri: &Uri) -> usize {
    let authority = uri.authority().map_or(0, |it| it.as_str().len());
    authority + uri.path_and_query().map_or(0, |it| it.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str, fields: &[(&str, &str)]) -> Option<(u16, String)> {
        let mut request = Request::get(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let bounds = Bounds {
            bytes: 100,
            fields: 3,
        };
        let refusal = bounds.refusal(&request.body(()).unwrap());
        refusal.map(|(status, words)| (status.as_u16(), words))
    }

    fn path(length: usize) -> String {
        format!("/{}", "x".repeat(length - 1))
    }

    #[test]
    fn counts_fields_and_not_their_names() {
        let three = [("a", "1"), ("a", "2"), ("b", "3")];
        assert_eq!(asked("/", &three), None);
        let four = [three.as_slice(), &[("a", "4")]].concat();
        let words = "there must be at most 3 header fields".to_owned();
        assert_eq!(asked("/", &four), Some((431, words)));
    }

    #[test]
    fn counts_the_bytes_of_target_and_fields_together() {
        assert_eq!(asked(&path(93), &[("a", "bc")]), None);
        let words = "the target and the header fields must be at most 100 bytes".to_owned();
        assert_eq!(asked(&path(94), &[("a", "bc")]), Some((431, words)));
    }

    #[test]
    fn a_target_that_is_too_long_by_itself_has_a_status_of_its_own() {
        assert_eq!(asked(&path(100), &[]), None);
        let refused = Some((414, "the target must be at most 100 bytes".to_owned()));
        assert_eq!(asked(&path(101), &[]), refused);
        let absolute = |length| format!("http://a.example{}", path(length));
        assert_eq!(asked(&absolute(91), &[]), None);
        assert_eq!(asked(&absolute(92), &[]), refused);
    }
}
