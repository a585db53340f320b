use http::{header, request::Parts};

use super::{HostError, HostPort};

impl HostPort {
    /// The host that a request was sent to: the authority of its target (HTTP/2, and the absolute
    /// form of HTTP/1.1), or its one `Host` header. Where both are there they must agree.
    ///
    /// # Errors
    /// When there is none, more than one, or none that is well formed.
    pub fn of_request(head: &Parts) -> Result<Self, HostError> {
        let target = head.uri.authority().map(|authority| authority.as_str());
        let mut headers = head.headers.get_all(header::HOST).iter();
        let header = headers.next();
        if headers.next().is_some() {
            return Err(HostError::Ambiguous);
        }
        let header = header
            .map(|value| value.to_str().map_err(|_| HostError::Malformed))
            .transpose()?;
        match (parse(target)?, parse(header)?) {
            (Some(target), Some(header)) if target != header => Err(HostError::Ambiguous),
            (Some(host), _) | (None, Some(host)) => Ok(host),
            (None, None) => Err(HostError::Missing),
        }
    }
}

fn parse(text: Option<&str>) -> Result<Option<HostPort>, HostError> {
    text.map(str::parse).transpose()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn host(uri: &str, headers: &[&str]) -> Result<String, HostError> {
        let mut request = Request::builder().uri(uri);
        for value in headers {
            request = request.header(header::HOST, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        HostPort::of_request(&head).map(|host| host.to_string())
    }

    #[test]
    fn takes_the_target_or_the_header_and_wants_them_to_agree() {
        assert_eq!(host("/x", &["a.example"]), Ok("a.example".to_owned()));
        assert_eq!(host("http://A.example/x", &[]), Ok("a.example".to_owned()));
        assert_eq!(
            host("http://a.example/x", &["A.example"]),
            Ok("a.example".to_owned())
        );
        assert_eq!(
            host("http://a.example/x", &["b.example"]),
            Err(HostError::Ambiguous)
        );
        assert_eq!(
            host("/x", &["a.example", "a.example"]),
            Err(HostError::Ambiguous)
        );
        assert_eq!(host("/x", &[]), Err(HostError::Missing));
        assert_eq!(host("/x", &["u@a.example"]), Err(HostError::Malformed));
        assert_eq!(
            host("http://u@a.example/x", &["a.example"]),
            Err(HostError::Malformed)
        );
    }
}
