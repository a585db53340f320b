use std::fmt;

use http::request::Parts;

use super::{AllowedHosts, HostError, HostPort, Scheme};
use crate::client::Client;

/// Under which scheme and host a client asks: what a URL that leads back to it begins with.
///
/// Its text has no port that the scheme implies, so that one place has one address.
///
/// ```
/// use http::Request;
/// use switchgear_http::host::{Origin, Scheme};
///
/// let request = Request::get("/offers").header("host", "LNURL.example.com:443").body(()).unwrap();
/// let (head, ()) = request.into_parts();
/// let origin = Origin::of_request(&head, Scheme::Https).unwrap();
/// assert_eq!(origin.to_string(), "https://lnurl.example.com");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The scheme.
    pub scheme: Scheme,
    /// The host, with its port where the client gave one.
    pub host: HostPort,
}

impl Origin {
    /// What trusted proxies tell of the request, each part where they tell it; else the listener's
    /// scheme and [the request's own host](HostPort::of_request).
    ///
    /// # Errors
    /// When the request has no host, more than one, or none that is well formed.
    pub fn of_request(head: &Parts, listener: Scheme) -> Result<Self, HostError> {
        let client = head.extensions.get::<Client>();
        let scheme = client.and_then(|client| client.scheme).unwrap_or(listener);
        let host = match client.and_then(|client| client.host.clone()) {
            Some(host) => host,
            None => HostPort::of_request(head)?,
        };
        Ok(Self { scheme, host })
    }

    /// As [`Self::of_request`], and one of those that are served.
    ///
    /// # Errors
    /// As [`Self::of_request`], and [`HostError::NotAllowed`].
    pub fn allowed(
        head: &Parts,
        listener: Scheme,
        hosts: &AllowedHosts,
    ) -> Result<Self, HostError> {
        let origin = Self::of_request(head, listener)?;
        hosts.check(&origin.host, origin.scheme)?;
        Ok(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme.as_str();
        if self.host.port() == Some(self.scheme.default_port()) {
            write!(f, "{scheme}://{}", self.host.host())
        } else {
            write!(f, "{scheme}://{}", self.host)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn origin(client: Option<Client>) -> String {
        let mut request = Request::get("/").header("host", "own.example:443");
        if let Some(client) = client {
            request = request.extension(client);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Origin::of_request(&head, Scheme::Http).unwrap().to_string()
    }

    #[test]
    fn takes_each_part_from_trusted_proxies_or_else_from_the_request_itself() {
        let host = || Some("pay.example:80".parse().unwrap());
        let client = |scheme, host| Client {
            scheme,
            host,
            ..Client::default()
        };
        for (client, expected) in [
            (None, "http://own.example:443"),
            (Some(client(None, None)), "http://own.example:443"),
            (
                Some(client(Some(Scheme::Https), None)),
                "https://own.example",
            ),
            (Some(client(None, host())), "http://pay.example"),
            (
                Some(client(Some(Scheme::Https), host())),
                "https://pay.example:80",
            ),
        ] {
            assert_eq!(origin(client), expected);
        }
    }
}
