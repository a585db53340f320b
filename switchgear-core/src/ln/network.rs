use std::{fmt, str::FromStr};

use crate::invalid::InvalidValue;

/// The Bitcoin network of a node and its invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Network {
    /// The main network, `lnbc…`.
    Bitcoin,
    /// Testnet, `lntb…`.
    Testnet,
    /// Signet, `lntbs…`.
    Signet,
    /// Regtest, `lnbcrt…`.
    Regtest,
}

impl Network {
    /// The name in configurations and in nodes' answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bitcoin => "bitcoin",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Network {
    type Err = InvalidValue;

    /// Reads the names above, and `mainnet`, as nodes call the main network.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "bitcoin" | "mainnet" => Ok(Self::Bitcoin),
            "testnet" => Ok(Self::Testnet),
            "signet" => Ok(Self::Signet),
            "regtest" => Ok(Self::Regtest),
            _ => Err(InvalidValue::new(
                "network",
                "must be bitcoin, testnet, signet or regtest",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_name_that_it_writes() {
        for (network, name) in [
            (Network::Bitcoin, "bitcoin"),
            (Network::Testnet, "testnet"),
            (Network::Signet, "signet"),
            (Network::Regtest, "regtest"),
        ] {
            assert_eq!(network.to_string(), name);
            assert_eq!(name.parse(), Ok(network));
        }
    }

    #[test]
    fn reads_mainnet_as_nodes_call_it_and_no_other_spelling() {
        assert_eq!("mainnet".parse(), Ok(Network::Bitcoin));
        for text in ["", "Bitcoin", "REGTEST", "testnet4", "simnet", " signet"] {
            let error = text.parse::<Network>().unwrap_err();
            assert_eq!(
                error.to_string(),
                "network: must be bitcoin, testnet, signet or regtest",
                "{text:?}"
            );
        }
    }
}
