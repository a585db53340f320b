use std::{fmt, net::IpAddr, str::FromStr};

/// The addresses that begin with the same bits: `10.0.0.0/8`, `fd00::/8`, or one address alone.
///
/// ```
/// use switchgear_http::client::Network;
///
/// let network: Network = "10.0.0.0/8".parse().unwrap();
/// assert!(network.contains("10.1.2.3".parse().unwrap()));
/// assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert!("10.0.0.0/33".parse::<Network>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `address` is one of this network. An IPv4 address is the same in its IPv6 form.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let refuse = || NetworkError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => length(digits)
                .filter(|prefix| *prefix <= width)
                .ok_or_else(refuse)?,
            None => width,
        };
        Ok(canonical(address, prefix))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no network: write an address such as 10.0.0.1, or a network such as 10.0.0.0/8 or fd00::/8"
)]
pub struct NetworkError(String);

fn length(digits: &str) -> Option<u8> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`, since peers are compared in that form.
fn canonical(address: IpAddr, prefix: u8) -> Network {
    let mapped = address.is_ipv6() && address.to_canonical().is_ipv4();
    match prefix.checked_sub(96).filter(|_| mapped) {
        Some(prefix) => Network {
            address: address.to_canonical(),
            prefix,
        },
        None => Network { address, prefix },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_the_addresses_that_share_its_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
            ("10.9.8.7/8", "10.0.0.1", "9.9.8.7"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::1", "::1", "::2"),
            ("fd00::/8", "fd12:3456::1", "fc00::1"),
            ("2001:db8::/127", "2001:db8::1", "2001:db8::2"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network}");
        }
    }

    #[test]
    fn refuses_what_is_no_network_and_says_what_one_looks_like() {
        for text in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0/8",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "::/129",
            "[::1]",
            "proxy.example.com",
            "*",
            " 10.0.0.1",
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert_eq!(error, NetworkError(text.to_owned()));
            assert!(error.to_string().contains("write an address such as"));
        }
    }
}
