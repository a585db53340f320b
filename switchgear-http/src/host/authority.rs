use std::{fmt, net::Ipv6Addr, num::NonZeroU16, str::FromStr};

/// A host in lower case, a name, an IPv4 address or an IPv6 address in brackets, and its port where
/// one was given (RFC 9110, 7.2, without what a public service never needs: user information, empty
/// ports, percent-encoded names, a root label).
///
/// ```
/// use switchgear_http::host::HostPort;
///
/// let host: HostPort = "LNURL.example.com:8443".parse().unwrap();
/// assert_eq!(host.to_string(), "lnurl.example.com:8443");
/// assert!("lnurl.example.com:x@evil.com".parse::<HostPort>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    host: String,
    port: Option<NonZeroU16>,
}

impl HostPort {
    /// The longest name, in bytes (RFC 1035).
    pub const MAX_NAME_LEN: usize = 253;

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one was given.
    pub fn port(&self) -> Option<u16> {
        self.port.map(NonZeroU16::get)
    }
}

impl FromStr for HostPort {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let (host, port) = split(text).ok_or(HostError::Malformed)?;
        let port = port.map(parse_port).transpose()?;
        let host = match host.strip_prefix('[') {
            Some(address) => parse_ipv6(address)?,
            None if is_name(host) => host.to_ascii_lowercase(),
            None => return Err(HostError::Malformed),
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Why a request's host is refused. Its text is fit for a payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The request names no host.
    #[error("the request names no host")]
    Missing,
    /// The request names more than one host.
    #[error("the request names more than one host")]
    Ambiguous,
    /// What stands there is no host.
    #[error("the request's host is malformed")]
    Malformed,
    /// This service does not go by that name.
    #[error("this host is not served here")]
    NotAllowed,
}

/// Splits at the colon of the port: the one behind an IPv6 address, or the only one.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')?;
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    Some(match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

fn parse_port(text: &str) -> Result<NonZeroU16, HostError> {
    let digits = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or(HostError::Malformed)
}

fn parse_ipv6(address: &str) -> Result<String, HostError> {
    address
        .strip_suffix(']')
        .and_then(|address| address.parse::<Ipv6Addr>().ok())
        .map(|address| format!("[{address}]"))
        .ok_or(HostError::Malformed)
}

fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(allowed)
    };
    host.len() <= HostPort::MAX_NAME_LEN && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_addresses_and_ports_into_one_form() {
        for (text, form) in [
            ("Example.COM", "example.com"),
            ("example.com:443", "example.com:443"),
            ("127.0.0.1:08080", "127.0.0.1:8080"),
            ("[::0001]:80", "[::1]:80"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("my_service", "my_service"),
        ] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), form);
        }
    }

    #[test]
    fn refuses_every_other_form() {
        let long = format!("{}.com", "a".repeat(64));
        for text in [
            "",
            ".",
            "example.com.",
            ".example.com",
            "a..b",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:+80",
            "example.com:80a",
            "example.com:80:80",
            "user@example.com",
            "lnurl.example.com:x@evil.com",
            "lnurl.example.com:80@evil.com",
            "example.com/",
            "example.com#",
            "exam ple.com",
            "example.com\t",
            "ex%61mple.com",
            "exämple.com",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1%25eth0]",
            "[example.com]",
            "a,b",
            &long,
        ] {
            assert_eq!(
                text.parse::<HostPort>(),
                Err(HostError::Malformed),
                "{text:?}"
            );
        }
    }
}
