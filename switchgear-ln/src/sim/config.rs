use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use switchgear_core::{Millisatoshi, ln::Network};

/// What a simulated node is.
#[derive(Debug, Clone)]
pub struct SimNodeConfig {
    /// Its alias, and the name of its backend.
    pub alias: String,
    /// Where it writes `tls.cert` and `admin.macaroon`; created if it does not exist.
    pub directory: PathBuf,
    /// Where it listens; default loopback, on a port that the kernel chooses.
    pub address: SocketAddr,
    /// The network of its invoices; default regtest.
    pub network: Network,
    /// What it can receive; default 1,000,000 sat.
    pub inbound: Millisatoshi,
    /// What its key is made of; default chance.
    pub seed: Option<u64>,
}

impl SimNodeConfig {
    /// A node called `alias` with the defaults above.
    pub fn new(alias: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        Self {
            alias: alias.into(),
            directory: directory.into(),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            network: Network::Regtest,
            inbound: Millisatoshi::from_sat(1_000_000),
            seed: None,
        }
    }

    /// Listens at `address`.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Makes invoices for `network`.
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Can receive `inbound`, to the satoshi.
    #[must_use]
    pub fn with_inbound(mut self, inbound: Millisatoshi) -> Self {
        self.inbound = inbound;
        self
    }

    /// Has the same key whenever it starts with the same seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}
