use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};

use super::{Client, ForwardedError, TrustedProxies, forwarded};
use crate::host::{HostPort, Scheme};

/// What the proxies on a request's way have written down, the nearest one last; read, and not judged.
#[derive(Debug)]
pub(super) struct Chain {
    header: Names,
    hops: Vec<Hop>,
}

/// What one proxy says of the request that it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// Who sent it.
    pub(super) sender: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) host: Option<String>,
}

/// What the parts of a chain are called where one is refused.
#[derive(Debug, Clone, Copy)]
struct Names {
    sender: &'static str,
    scheme: &'static str,
    host: &'static str,
}

const FORWARDED: &str = "Forwarded";

const X_FORWARDED: Names = Names {
    sender: "X-Forwarded-For",
    scheme: "X-Forwarded-Proto",
    host: "X-Forwarded-Host",
};

impl Chain {
    /// The chain of `Forwarded` (RFC 7239), where there is such a header.
    pub(super) fn forwarded(headers: &HeaderMap) -> Result<Option<Self>, ForwardedError> {
        let Some(text) = joined(headers, &header::FORWARDED, FORWARDED)? else {
            return Ok(None);
        };
        let header = Names {
            sender: FORWARDED,
            scheme: FORWARDED,
            host: FORWARDED,
        };
        let hops = forwarded::parse(&text)?;
        Ok((!hops.is_empty()).then_some(Self { header, hops }))
    }

    /// The chain of `X-Forwarded-For`, `-Proto` and `-Host`, where there is one of them. The last two
    /// have no place in the list, and so are the nearest proxy's and stand alone.
    pub(super) fn x_forwarded(headers: &HeaderMap) -> Result<Option<Self>, ForwardedError> {
        let header = X_FORWARDED;
        let senders = list(headers, "x-forwarded-for", header.sender)?;
        let scheme = one(headers, "x-forwarded-proto", header.scheme)?;
        let host = one(headers, "x-forwarded-host", header.host)?;
        let mut hops: Vec<_> = senders.into_iter().map(Hop::of_sender).collect();
        if scheme.is_some() || host.is_some() {
            let nearest = hops.pop().unwrap_or_default();
            hops.push(Hop {
                scheme,
                host,
                ..nearest
            });
        }
        Ok((!hops.is_empty()).then_some(Self { header, hops }))
    }

    /// Who asks, for a trusted `peer`: the first address from the right that is no trusted proxy's, or
    /// the last one that is known. Of scheme and host the nearest proxy's word counts. What stands
    /// left of the client is the client's own invention and is not looked at.
    pub(super) fn client(
        &self,
        peer: IpAddr,
        trusted: &TrustedProxies,
    ) -> Result<Client, ForwardedError> {
        let mut client = Client::default();
        let mut address = peer;
        for hop in self.hops.iter().rev() {
            if client.scheme.is_none() {
                client.scheme = hop.scheme(self.header.scheme)?;
            }
            if client.host.is_none() {
                client.host = hop.host(self.header.host)?;
            }
            let Some(sender) = hop.sender(self.header.sender)? else {
                break;
            };
            address = sender;
            if !trusted.contains(address) {
                break;
            }
        }
        client.address = Some(address);
        Ok(client)
    }
}

impl Hop {
    fn of_sender(sender: String) -> Self {
        Self {
            sender: Some(sender),
            ..Self::default()
        }
    }

    /// The sender's address; none where the proxy hides or does not know it (RFC 7239, 6.2 and 6.3).
    fn sender(&self, header: &'static str) -> Result<Option<IpAddr>, ForwardedError> {
        let Some(text) = self.sender.as_deref() else {
            return Ok(None);
        };
        let (name, port) = split_port(text);
        if port.is_none_or(is_port) && (name.eq_ignore_ascii_case("unknown") || is_hidden(name)) {
            return Ok(None);
        }
        address(text)
            .map(Some)
            .ok_or(ForwardedError::Malformed(header))
    }

    fn scheme(&self, header: &'static str) -> Result<Option<Scheme>, ForwardedError> {
        let known = |text: &str| match text {
            text if text.eq_ignore_ascii_case("https") => Ok(Scheme::Https),
            text if text.eq_ignore_ascii_case("http") => Ok(Scheme::Http),
            _ => Err(ForwardedError::Malformed(header)),
        };
        self.scheme.as_deref().map(known).transpose()
    }

    fn host(&self, header: &'static str) -> Result<Option<HostPort>, ForwardedError> {
        let malformed = |_| ForwardedError::Malformed(header);
        let host = self.host.as_deref();
        host.map(|text| text.parse().map_err(malformed)).transpose()
    }
}

/// All lines of a header as the one list that they are (RFC 9110, 5.3).
fn joined(
    headers: &HeaderMap,
    name: &HeaderName,
    shown: &'static str,
) -> Result<Option<String>, ForwardedError> {
    let mut text: Option<String> = None;
    for value in headers.get_all(name) {
        let value = value
            .to_str()
            .map_err(|_| ForwardedError::Malformed(shown))?;
        match &mut text {
            Some(text) => {
                text.push(',');
                text.push_str(value);
            }
            None => text = Some(value.to_owned()),
        }
    }
    Ok(text)
}

/// The values of a header whose syntax is a plain list.
fn list(
    headers: &HeaderMap,
    name: &'static str,
    shown: &'static str,
) -> Result<Vec<String>, ForwardedError> {
    let text = joined(headers, &HeaderName::from_static(name), shown)?.unwrap_or_default();
    let values = text.split(',').map(|value| value.trim_matches([' ', '\t']));
    let values = values.filter(|value| !value.is_empty());
    Ok(values.map(str::to_owned).collect())
}

/// The value of a header that can have one only.
fn one(
    headers: &HeaderMap,
    name: &'static str,
    shown: &'static str,
) -> Result<Option<String>, ForwardedError> {
    let mut values = list(headers, name, shown)?.into_iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(ForwardedError::Ambiguous(shown)),
        (value, None) => Ok(value),
    }
}

/// An address, alone or with a port; an IPv6 address that has one is in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    let address: Option<IpAddr> = bare.or_else(|| match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            fits.then(|| address.parse().ok().map(IpAddr::V6))?
        }
        None => {
            let (address, port) = text.split_once(':')?;
            is_port(port).then(|| address.parse().ok().map(IpAddr::V4))?
        }
    });
    address.map(|address| address.to_canonical())
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    }
}

fn is_port(text: &str) -> bool {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits || is_hidden(text)
}

/// An obfuscated identifier (RFC 7239, 6.3).
fn is_hidden(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.strip_prefix('_')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(allowed))
}
