use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use switchgear_core::{Millisatoshi, ln::Network};

/// What a simulated node speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SimNodeKind {
    /// LND: `lnrpc.Lightning`, a self-signed certificate and a macaroon.
    #[default]
    Lnd,
    /// Core Lightning: `cln.Node`, and certificates of its own authority on both sides.
    Cln,
}

/// What a simulated node is.
#[derive(Debug, Clone)]
pub struct SimNodeConfig {
    /// Its alias, and the name of its backend.
    pub alias: String,
    /// Where it writes its credentials; created if it does not exist.
    pub directory: PathBuf,
    /// What it speaks; default LND.
    pub kind: SimNodeKind,
    /// Where it listens; default loopback, on a port that the kernel chooses.
    pub address: SocketAddr,
    /// The network of its invoices; default regtest.
    pub network: Network,
    /// What it can receive; default 1,000,000 sat.
    pub inbound: Millisatoshi,
    /// How long it takes to answer; default no longer than it needs. Timers count in milliseconds.
    pub latency: Duration,
    /// How much longer an answer may take by chance, evenly spread; default nothing.
    pub jitter: Duration,
    /// Whether its credentials are written only on request; default no.
    pub late_credentials: bool,
    /// What its key is made of; default chance.
    pub seed: Option<u64>,
}

impl SimNodeConfig {
    /// A node called `alias` with the defaults above.
    pub fn new(alias: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        Self {
            alias: alias.into(),
            directory: directory.into(),
            kind: SimNodeKind::Lnd,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            network: Network::Regtest,
            inbound: Millisatoshi::from_sat(1_000_000),
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            late_credentials: false,
            seed: None,
        }
    }

    /// Speaks what a node of `kind` speaks.
    #[must_use]
    pub fn with_kind(mut self, kind: SimNodeKind) -> Self {
        self.kind = kind;
        self
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

    /// Can receive `inbound`; LND counts in whole satoshis.
    #[must_use]
    pub fn with_inbound(mut self, inbound: Millisatoshi) -> Self {
        self.inbound = inbound;
        self
    }

    /// Takes `latency` for each answer.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Takes up to `jitter` longer.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Writes its credentials no sooner than
    /// [`SimNode::write_credentials`](super::SimNode::write_credentials) says.
    #[must_use]
    pub fn with_late_credentials(mut self) -> Self {
        self.late_credentials = true;
        self
    }

    /// Has the same key whenever it starts with the same seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}
