use std::{sync::Arc, time::Duration};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use switchgear_core::backend::{Domain, NodeUrl};
use tonic::transport::{self, ClientTlsConfig, Endpoint};
use url::Host;

use crate::tls::PinnedOrRoot;

/// After this silence a connection is asked for a sign of life.
///
/// LND hangs up on a client that pings more often than every 5 s while calls are in flight, or a few
/// times in a row while none are; so a node that nobody calls for half a minute may close the
/// connection, and the next call pays a handshake. Health checks usually come far more often.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(6);

/// With the interval, a dead link is noticed within 9 s.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the kernel waits for what it sent to be acknowledged; it sees a dead link even where
/// HTTP/2 has nothing to say.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(9);

/// Where a node listens, and by which name its certificate is checked.
#[derive(Debug)]
pub(crate) struct Target {
    uri: Uri,
    name: String,
}

impl Target {
    /// Takes host and port from `url` (443 when it names none); gRPC has its own paths.
    ///
    /// # Errors
    /// When HTTP knows no such authority; told in words.
    pub(crate) fn try_new(url: &NodeUrl, domain: Option<&Domain>) -> Result<Self, String> {
        let url = url.as_url();
        let host = url.host().ok_or("the node's url has no host")?;
        let port = url.port_or_known_default().unwrap_or(443);
        let uri = format!("https://{host}:{port}")
            .parse()
            .map_err(|error| format!("the node's url cannot be used: {error}"))?;
        let name = match (domain, host) {
            (Some(domain), _) => domain_name(domain.as_str()),
            (None, Host::Domain(name)) => name.to_owned(),
            (None, Host::Ipv4(ip)) => ip.to_string(),
            (None, Host::Ipv6(ip)) => ip.to_string(),
        };
        Ok(Self { uri, name })
    }

    /// How to connect, trusting `trust` and nobody else.
    pub(super) fn endpoint(&self, trust: Arc<PinnedOrRoot>) -> Result<Endpoint, transport::Error> {
        let tls = ClientTlsConfig::new().domain_name(self.name.clone());
        Endpoint::from(self.uri.clone())
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .tls_config_with_verifier(tls, trust)
    }
}

/// The TCP side of a connection; `timeout` is shared among the addresses of a name.
pub(super) fn tcp_connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(timeout));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    connector.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
    connector.set_keepalive(Some(TCP_USER_TIMEOUT));
    connector
}

/// An IPv6 address has brackets in a URL and none in a certificate.
fn domain_name(domain: &str) -> String {
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
        (target.uri.to_string(), target.name)
    }

    #[test]
    fn checks_the_domain_or_else_the_host() {
        for (url, domain, uri, name) in [
            (
                "https://lnd.example:10009",
                None,
                "https://lnd.example:10009/",
                "lnd.example",
            ),
            (
                "https://lnd.example/x?y",
                None,
                "https://lnd.example:443/",
                "lnd.example",
            ),
            (
                "https://127.0.0.1:1",
                Some("lnd.local"),
                "https://127.0.0.1:1/",
                "lnd.local",
            ),
            ("https://[::1]:1", None, "https://[::1]:1/", "::1"),
            (
                "https://lnd.example:1",
                Some("[::1]"),
                "https://lnd.example:1/",
                "::1",
            ),
        ] {
            assert_eq!(target(url, domain), (uri.to_owned(), name.to_owned()));
        }
    }
}
