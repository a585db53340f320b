use std::net::IpAddr;

use http::{Extensions, HeaderMap};

use super::{Client, ForwardedError, Network, NetworkError, chain::Chain, peer};

/// The networks whose forwarded headers are believed; none by default, which believes nobody.
///
/// Each proxy in them must set or remove all of `Forwarded`, `X-Forwarded-For`, `X-Forwarded-Proto` and
/// `X-Forwarded-Host`: what it passes on unseen is taken for its own word.
///
/// ```
/// use switchgear_http::client::TrustedProxies;
///
/// let proxies = TrustedProxies::try_new(["10.0.0.0/8", "::1"]).unwrap();
/// assert!(proxies.contains("10.1.2.3".parse().unwrap()));
/// assert!(!proxies.contains("192.0.2.1".parse().unwrap()));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Reads networks and addresses. Blank entries do not count.
    ///
    /// # Errors
    /// When an entry is neither.
    pub fn try_new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworkError> {
        entries
            .into_iter()
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(str::parse)
            .collect()
    }

    /// Whether nobody is believed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the proxy at `address` is believed.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Who asks, by the headers of the proxy that the request came from; none when it came from a
    /// stranger, whose headers say nothing.
    ///
    /// # Errors
    /// When a proxy that is believed says something malformed, or two things at once.
    pub fn client(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<Option<Client>, ForwardedError> {
        let Some(peer) = peer(extensions).filter(|peer| self.contains(*peer)) else {
            return Ok(None);
        };
        let forwarded = Chain::forwarded(headers)?.map(|chain| chain.client(peer, self));
        let legacy = Chain::x_forwarded(headers)?.map(|chain| chain.client(peer, self));
        let client = match (forwarded.transpose()?, legacy.transpose()?) {
            (Some(one), Some(other)) if one != other => return Err(ForwardedError::Disagreeing),
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => Client {
                address: Some(peer),
                ..Client::default()
            },
        };
        Ok(Some(client))
    }
}

impl FromIterator<Network> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}
