use http::{
    Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use rustls::pki_types::ServerName;
use switchgear_core::backend::{Domain, NodeUrl};
use url::Host;

/// Where a node listens, and by which name its certificate is checked.
#[derive(Debug)]
pub(crate) struct Target {
    authority: Authority,
    name: ServerName<'static>,
}

impl Target {
    /// Takes host and port from `url` (443 when it names none); gRPC has its own paths.
    ///
    /// # Errors
    /// When HTTP or TLS knows no such name; told in words.
    pub(crate) fn try_new(url: &NodeUrl, domain: Option<&Domain>) -> Result<Self, String> {
        let url = url.as_url();
        let host = url.host().ok_or("the node's url has no host")?;
        let port = url.port_or_known_default().unwrap_or(443);
        let authority = format!("{host}:{port}")
            .parse()
            .map_err(|error| format!("the node's url cannot be used: {error}"))?;
        let name = match (domain, host) {
            (Some(domain), _) => without_brackets(domain.as_str()),
            (None, Host::Domain(name)) => name.to_owned(),
            (None, Host::Ipv4(ip)) => ip.to_string(),
            (None, Host::Ipv6(ip)) => ip.to_string(),
        };
        let name = name
            .try_into()
            .map_err(|_| "no certificate can bear the node's name: configure its domain")?;
        Ok(Self { authority, name })
    }

    /// The name to look for in the node's certificate.
    pub(super) fn name(&self) -> ServerName<'static> {
        self.name.clone()
    }

    /// The address of `path` at the node.
    pub(super) fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).expect("scheme, authority and path make a URI")
    }
}

/// An IPv6 address has brackets in a URL and none in a certificate.
fn without_brackets(domain: &str) -> String {
    domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(domain)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, domain: Option<&str>) -> (String, String) {
        let domain = domain.map(|name| Domain::try_new(name).unwrap());
        let target = Target::try_new(&NodeUrl::try_new(url).unwrap(), domain.as_ref()).unwrap();
        let uri = target.uri(PathAndQuery::from_static("/a.B/C"));
        (uri.to_string(), target.name().to_str().into_owned())
    }

    #[test]
    fn checks_the_domain_or_else_the_host() {
        for (url, domain, uri, name) in [
            (
                "https://lnd.example:10009",
                None,
                "https://lnd.example:10009/a.B/C",
                "lnd.example",
            ),
            (
                "https://lnd.example/x?y",
                None,
                "https://lnd.example:443/a.B/C",
                "lnd.example",
            ),
            (
                "https://127.0.0.1:1",
                Some("lnd.local"),
                "https://127.0.0.1:1/a.B/C",
                "lnd.local",
            ),
            ("https://[::1]:1", None, "https://[::1]:1/a.B/C", "::1"),
            (
                "https://lnd.example:1",
                Some("[::1]"),
                "https://lnd.example:1/a.B/C",
                "::1",
            ),
        ] {
            assert_eq!(target(url, domain), (uri.to_owned(), name.to_owned()));
        }
    }
}
