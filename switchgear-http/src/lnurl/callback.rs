use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::{HeaderValue, header, request::Parts};
use switchgear_core::offer::PayableOffer;
use url::Url;

use crate::{
    client::Client,
    host::{AllowedHosts, HostError, Origin, Scheme},
};

/// Where callbacks and LNURLs point to.
#[derive(Debug, Clone)]
pub enum CallbackBase {
    /// A fixed base, whatever a request's headers say; offers live below its path.
    Public(Url),
    /// The host that a client asks, which must be among these.
    Hosts(AllowedHosts),
}

/// Finds the base for each request.
#[derive(Debug)]
pub(super) enum Bases {
    Public(Arc<Base>),
    Hosts(Hosts),
}

impl Bases {
    /// By the scheme of the listener, where requests decide.
    pub(super) fn new(authority: &CallbackBase, scheme: Scheme) -> Self {
        match authority {
            CallbackBase::Public(url) => Self::Public(Arc::new(Base::public(url.clone()))),
            CallbackBase::Hosts(allowed) => Self::Hosts(Hosts {
                allowed: allowed.clone(),
                scheme,
                latest: ArcSwapOption::empty(),
            }),
        }
    }

    /// The base for one request.
    pub(super) fn resolve(&self, head: &Parts) -> Result<Arc<Base>, HostError> {
        match self {
            Self::Public(base) => Ok(Arc::clone(base)),
            Self::Hosts(hosts) => hosts.resolve(head),
        }
    }
}

/// The hosts that are served, and what the latest request's came to: most requests say the same.
#[derive(Debug)]
pub(super) struct Hosts {
    allowed: AllowedHosts,
    scheme: Scheme,
    latest: ArcSwapOption<(HeaderValue, Arc<Base>)>,
}

impl Hosts {
    fn resolve(&self, head: &Parts) -> Result<Arc<Base>, HostError> {
        let plain = plain_host(head);
        if let Some(host) = plain
            && let Some(latest) = &*self.latest.load()
            && latest.0 == *host
        {
            return Ok(Arc::clone(&latest.1));
        }
        let is_proxied = head.extensions.get::<Client>().is_some();
        let base = Arc::new(Base {
            url: Origin::allowed(head, self.scheme, &self.allowed)?.to_string(),
            varies: Some(if is_proxied { VARY_PROXIED } else { "Host" }),
        });
        if let Some(host) = plain {
            let latest = (host.clone(), Arc::clone(&base));
            self.latest.store(Some(Arc::new(latest)));
        }
        Ok(base)
    }
}

/// The one `Host` header, where nothing else in a request has a say.
fn plain_host(head: &Parts) -> Option<&HeaderValue> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let only = hosts.next().filter(|_| hosts.next().is_none())?;
    let is_plain = head.uri.authority().is_none() && head.extensions.get::<Client>().is_none();
    is_plain.then_some(only)
}

/// By what a response to a trusted proxy differs, which may stand behind a cache or be one.
const VARY_PROXIED: &str = "Host, Forwarded, X-Forwarded-Host, X-Forwarded-Proto";

/// What the URLs in one response begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// Without a trailing slash.
    url: String,
    /// The headers that it was made from, as `Vary` names them.
    pub(super) varies: Option<&'static str>,
}

impl Base {
    fn public(mut url: Url) -> Self {
        url.set_query(None);
        url.set_fragment(None);
        Self {
            url: url.as_str().trim_end_matches('/').to_owned(),
            varies: None,
        }
    }

    /// Where `offer` is.
    pub(super) fn url_of(&self, offer: &PayableOffer) -> String {
        format!("{}/offers/{}/{}", self.url, offer.partition, offer.id)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(target: &str, hosts: &[&str]) -> Parts {
        let mut request = Request::get(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_one_request_said_of_its_host_is_no_other_ones() {
        let allowed = AllowedHosts::try_new(["a.example", "b.example"]).unwrap();
        let bases = Bases::new(&CallbackBase::Hosts(allowed), Scheme::Https);
        let resolve = |head: &Parts| bases.resolve(head).map(|base| base.url.clone());
        let good = |url: &str| Ok(url.to_owned());
        for _ in 0..2 {
            let a = head("/", &["a.example"]);
            assert_eq!(resolve(&a), good("https://a.example"));
            assert_eq!(resolve(&a), good("https://a.example"));
            for (target, hosts, expected) in [
                ("/", &["b.example"][..], good("https://b.example")),
                ("/", &["A.example:8443"], good("https://a.example:8443")),
                ("/", &["c.example"], Err(HostError::NotAllowed)),
                ("/", &["a.example", "a.example"], Err(HostError::Ambiguous)),
                ("/", &[], Err(HostError::Missing)),
                (
                    "https://b.example/",
                    &["a.example"],
                    Err(HostError::Ambiguous),
                ),
                ("https://b.example/", &[], good("https://b.example")),
            ] {
                assert_eq!(
                    resolve(&head(target, hosts)),
                    expected,
                    "{target} {hosts:?}"
                );
            }
            let mut proxied = head("/", &["a.example"]);
            proxied.extensions.insert(Client {
                host: Some("b.example".parse().unwrap()),
                ..Client::default()
            });
            assert_eq!(resolve(&proxied), good("https://b.example"));
        }
    }
}
