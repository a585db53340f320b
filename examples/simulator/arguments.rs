use std::path::PathBuf;

use clap::Parser;
use switchgear_core::{Partition, ln::Network};
use url::Url;

/// Runs simulated Lightning nodes that fail on command.
///
/// Standard output has one JSON object for each node, as `swgr discovery post` takes it. Standard
/// input takes commands, one a line: `n1 freeze`, `n2 slow 3s`, `all heal`, `list`, `help`, `quit`.
/// It moves no money.
#[derive(Debug, Parser)]
#[command(name = "simulator")]
pub(crate) struct Arguments {
    /// How many LND nodes to run; they come first: n1, n2, …
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    pub(crate) lnd: u16,
    /// How many Core Lightning nodes to run.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub(crate) cln: u16,
    /// Where each node writes its credentials, in a directory of its name.
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The port of the first node; the others follow. By default the kernel chooses.
    #[arg(long, value_name = "PORT")]
    pub(crate) base_port: Option<u16>,
    /// The partitions of each node.
    #[arg(long = "partition", default_value = "default", value_name = "NAME")]
    pub(crate) partitions: Vec<Partition>,
    /// The network of the invoices: bitcoin, testnet, signet or regtest.
    #[arg(long, default_value = "regtest")]
    pub(crate) network: Network,
    /// What each node can receive, in satoshi.
    #[arg(long, default_value_t = 1_000_000, value_name = "SAT")]
    pub(crate) inbound: u64,
    /// What the nodes' keys are made of; the same number makes the same keys.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(crate) seed: u64,
    /// A file of commands, each behind how long to wait since the one before: `+5s n1 freeze`.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Register the nodes with a discovery service, in the place of earlier ones of the same keys.
    #[arg(long, requires_all = ["base_url", "authorization"])]
    pub(crate) register: bool,
    /// Where the discovery service is.
    #[arg(long, env = "DISCOVERY_STORE_HTTP_BASE_URL", value_name = "URL")]
    pub(crate) base_url: Option<Url>,
    /// The file of its bearer token.
    #[arg(long, env = "DISCOVERY_STORE_HTTP_AUTHORIZATION", value_name = "FILE")]
    pub(crate) authorization: Option<PathBuf>,
    /// A PEM bundle of authorities to trust instead of the system's own.
    #[arg(
        long,
        env = "DISCOVERY_STORE_HTTP_TRUSTED_ROOTS",
        value_delimiter = ',',
        value_name = "FILE"
    )]
    pub(crate) trusted_roots: Vec<PathBuf>,
}
