use http::request::Parts;
use url::Url;

use crate::host::{AllowedHosts, HostError, HostPort, Scheme};

/// Where callbacks and LNURLs point to.
#[derive(Debug, Clone)]
pub enum CallbackBase {
    /// A fixed base, whatever a request's headers say; offers live below its path.
    Public(Url),
    /// The request's own host, which must be among these.
    Hosts(AllowedHosts),
}

impl CallbackBase {
    /// The base for one request, without a trailing slash.
    pub(super) fn resolve(&self, head: &Parts, scheme: Scheme) -> Result<String, HostError> {
        match self {
            Self::Public(url) => {
                let mut url = url.clone();
                url.set_query(None);
                url.set_fragment(None);
                Ok(url.as_str().trim_end_matches('/').to_owned())
            }
            Self::Hosts(allowed) => {
                let asked = HostPort::of_request(head)?;
                allowed.check(&asked, scheme)?;
                Ok(format!("{}://{}", scheme.as_str(), visible(&asked, scheme)))
            }
        }
    }

    /// Whether a response differs between hosts.
    pub(super) fn varies(&self) -> bool {
        matches!(self, Self::Hosts(_))
    }
}

/// The authority without a port that the scheme implies, so that one offer has one LNURL.
fn visible(host: &HostPort, scheme: Scheme) -> String {
    if host.port() == Some(scheme.default_port()) {
        host.host().to_owned()
    } else {
        host.to_string()
    }
}
