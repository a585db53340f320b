//! Simulated LND nodes: the real gRPC over TLS, real signed invoices, and faults on command.
//!
//! A [`SimNode`] listens on loopback, writes its `tls.cert` and `admin.macaroon` where it is told,
//! and answers `GetInfo`, `ListChannels` and `AddInvoice` as LND does. It moves no money. What a
//! [`Fault`] does is counted, so that a test can tell that it happened.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchgear_core::{Millisatoshi, Partition};
//! use switchgear_ln::pool::{Connector, NodeConnector, NodeConnectorConfig};
//! use switchgear_ln::sim::{SimNode, SimNodeConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = std::env::temp_dir().join(format!("switchgear-sim-doc-{}", std::process::id()));
//! let node = SimNode::start(SimNodeConfig::new("alice", &directory)).await?;
//! let backend = node.backend([Partition::try_new("default")?]);
//!
//! let nodes = NodeConnector::new(NodeConnectorConfig { timeout: Duration::from_secs(2) });
//! let status = nodes.connect(&backend).status().await?;
//! assert_eq!(status.public_key, Some(node.public_key()));
//! assert_eq!(status.inbound, Some(Millisatoshi::from_sat(1_000_000)));
//! # std::fs::remove_dir_all(directory)?;
//! # Ok(())
//! # }
//! ```

mod certificate;
mod config;
mod fault;
mod gate;
mod invoice;
mod lightning;
mod listener;
mod node;
mod state;

pub use self::{
    certificate::SimCertificate,
    config::SimNodeConfig,
    fault::{Fault, SimLie},
    invoice::SimInvoice,
    node::SimNode,
};
