use http::{Request, StatusCode};

use super::Limits;

/// What a field takes on the wire of HTTP/1.1 beside its name and value: `: ` and a line break.
const FIELD_EXTRA: usize = 4;

/// Why a head is refused that the parser has let through, if it is.
///
/// On HTTP/1.1 the parser looks at its buffer between two reads only, and on HTTP/2 it counts no
/// fields.
pub(super) fn refusal<B>(request: &Request<B>, limits: &Limits) -> Option<StatusCode> {
    let fields = request.headers();
    let uri = uri_len(request);
    if uri > limits.header_bytes {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let bytes: usize = fields
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD_EXTRA)
        .sum();
    let is_too_large = fields.len() > limits.headers || uri + bytes > limits.header_bytes;
    is_too_large.then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

fn uri_len<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let authority = uri.authority().map_or(0, |it| it.as_str().len());
    authority + uri.path_and_query().map_or(0, |it| it.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            headers: 3,
            header_bytes: 100,
            ..Limits::default()
        }
    }

    fn asked(uri: &str, fields: &[(&str, &str)]) -> Option<StatusCode> {
        let mut request = Request::get(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        refusal(&request.body(()).unwrap(), &limits())
    }

    #[test]
    fn counts_fields_and_not_their_names() {
        let three = [("a", "1"), ("a", "2"), ("b", "3")];
        assert_eq!(asked("/", &three), None);
        let four = [three.as_slice(), &[("a", "4")]].concat();
        let refused = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        assert_eq!(asked("/", &four), refused);
    }

    #[test]
    fn counts_the_bytes_of_target_and_fields_together() {
        let path = |length: usize| format!("/{}", "x".repeat(length - 1));
        assert_eq!(asked(&path(100), &[]), None);
        assert_eq!(asked(&path(101), &[]), Some(StatusCode::URI_TOO_LONG));
        assert_eq!(asked(&path(93), &[("a", "bc")]), None);
        let refused = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        assert_eq!(asked(&path(94), &[("a", "bc")]), refused);
    }
}
