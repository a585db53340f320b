//! Simulated nodes of both kinds: the real gRPC over TLS, real signed invoices, and faults on command.
//!
//! A [`SimNode`] listens on loopback, writes its credentials where it is told, and answers health
//! checks and invoice requests as LND or Core Lightning does. It moves no money.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchgear_core::{Millisatoshi, Partition};
//! use switchgear_ln::pool::{Connector, NodeConnector, NodeConnectorConfig};
//! use switchgear_ln::sim::{Fault, FaultKind, SimNode, SimNodeConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = std::env::temp_dir().join(format!("switchgear-sim-doc-{}", std::process::id()));
//! let node = SimNode::start(SimNodeConfig::new("alice", &directory)).await?;
//! let backend = node.backend([Partition::try_new("default")?]);
//!
//! let nodes = NodeConnector::new(NodeConnectorConfig { timeout: Duration::from_secs(2) });
//! let client = nodes.connect(&backend);
//! let status = client.status().await?;
//! assert_eq!(status.public_key, Some(node.public_key()));
//! assert_eq!(status.inbound, Some(Millisatoshi::from_sat(1_000_000)));
//!
//! node.set_fault(Some(Fault::starting())).await?;
//! assert_eq!(client.status().await.unwrap_err().to_string(), "the node is starting up");
//! assert_eq!(node.counters().of(FaultKind::Status), 1);
//! # std::fs::remove_dir_all(directory)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Faults
//!
//! A node has one fault at a time, or none. Each is counted when a client feels it
//! ([`SimNode::counters`]), so that a test can tell that it happened.
//!
//! | written | [`Fault`] | what a client sees | counts |
//! |---|---|---|---|
//! | `refuse` | `Refuse` | calls in flight finish; then connections are refused | 1 |
//! | `die` | `Die` | connections break; then they are refused | 1 |
//! | `freeze` | `Freeze` | connections stand, nothing is answered, pings neither | reads and writes held up |
//! | `black-hole` | `BlackHole` | the same, and new connections are never established | 1, and the same |
//! | `hang` | `Hang` | pings are answered, calls never | calls |
//! | `hang-invoices` | `HangInvoices` | health checks are answered, invoices never | invoice calls |
//! | `slow TIME` | `Slow` | each answer comes that much later | calls |
//! | `trickle TIME` | `Trickle` | each answer comes byte by byte | calls |
//! | `stall-after-headers` | `StallAfterHeaders` | headers come, and nothing more | calls |
//! | `reset-mid-answer` | `ResetMidAnswer` | half an answer, then a TCP reset, for all calls of the connection | calls |
//! | `go-away` | `GoAway` | an answer, and a GOAWAY frame: the next call needs a new connection | connections told |
//! | `go-away-unanswered` | `GoAwayUnanswered` | a GOAWAY frame instead of answers, and the connection's end | connections told |
//! | `flow-control-stall` | `FlowControlStall` | no window for the request's bytes; pings are answered | calls |
//! | `tls-alert` | `TlsAlert` | the handshake is refused by an alert | handshakes |
//! | `expired-certificate` | `ExpiredCertificate` | the node's own certificate is over | handshakes |
//! | `swapped-certificate` | `SwappedCertificate` | a certificate that is not the node's | handshakes |
//! | `status CODE [TEXT]` | `Status` | that gRPC status, at once | calls |
//! | `locked`, `starting` | [`Fault::locked`], [`Fault::starting`] | LND's words for it | calls, as `Status` |
//! | `rpc-error CODE [TEXT]` | `RpcError` | an error of `lightningd`, as its gRPC plugin passes it on | calls |
//! | `shutting-down` | [`Fault::shutting_down`] | Core Lightning's words for it | calls, as `RpcError` |
//! | `lightningd-gone` | [`Fault::lightningd_gone`] | what the plugin says when it is left alone | calls, as `Status` |
//! | `unsynced` | `Unsynced` | health checks tell that the node is behind the chain; invoices are made | health checks |
//! | `no-channel-rights` | `NoChannelRights` | the list of channels is refused | calls for it |
//! | `hang-channels` | `HangChannels` | the list of channels never comes, all else does | calls for it |
//! | `lie WHAT` | `Lie` | an invoice that is wrong in one way ([`SimLie`]) | invoices |
//! | `one-in N FAULT` | `OneIn` | one call in N, by chance, meets a fault of calls | as that fault |
//!
//! Faults of connections and certificates break the connections that are open. `Freeze` and
//! `BlackHole` are what a program can do by itself: its kernel still acknowledges what a client
//! sends on an open connection. Packets that vanish need a network namespace with a filter.

mod authority;
mod certificate;
mod config;
mod counters;
mod credentials;
mod expired;
mod fault;
mod invoice;
mod invoices;
mod node;
mod secret;
mod service;
mod shown;
mod state;
mod wire;

pub use self::{
    certificate::SimCertificate,
    config::{SimNodeConfig, SimNodeKind},
    counters::SimCounters,
    fault::{Fault, FaultKind, ParseFaultError, SimLie},
    invoice::SimInvoice,
    node::SimNode,
};
