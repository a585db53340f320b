//! Lightning nodes behind one balancer: clients, connections, and the shell that drives the core.
//!
//! The decisions (which node, for how long, what next) are made in [`switchgear_core::balance`];
//! this crate carries bytes and time to them. A [`pool::Connector`] makes a client for each backend:
//! at once, without IO. What is wrong with a node (credentials that cannot be read yet, a
//! certificate of another name, a locked wallet) is a state of that node, which each call tells
//! anew as an [`LnError`](switchgear_core::ln::LnError), never a failure to start.
//!
//! ```
//! use std::time::Duration;
//!
//! use switchgear_core::ln::LnErrorKind;
//! use switchgear_ln::pool::{Connector, NodeConnector, NodeConnectorConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let backend = serde_json::from_str(r#"{
//!     "address": {"url": "https://lnd.example.com"}, "partitions": ["default"], "weight": 1,
//!     "enabled": true, "implementation": {
//!         "type": "lndGrpc", "url": "https://127.0.0.1:10009", "ampInvoice": false,
//!         "auth": {"type": "path", "tlsCertPath": "/no/tls.cert", "macaroonPath": "/no/admin.macaroon"}
//!     }
//! }"#).unwrap();
//! let nodes = NodeConnector::new(NodeConnectorConfig { timeout: Duration::from_secs(2) });
//! let node = nodes.connect(&backend);
//! # if cfg!(feature = "lnd") {
//! assert_eq!(node.status().await.unwrap_err().kind(), LnErrorKind::Credentials);
//! # }
//! # }
//! ```
//!
//! | feature | what it adds |
//! |---|---|
//! | `lnd` (default) | the client for LND: gRPC over TLS, with a macaroon |
//! | `cln` (default) | the client for Core Lightning: gRPC over mutual TLS |
//! | `sim` | simulated nodes of both kinds, which sign real invoices and fail on command, for tests, demos and benchmarks |
//!
//! In a build without its feature, a node answers each call with an error that says so.

pub mod balancer;
pub mod pool;

#[cfg(feature = "cln")]
pub mod cln;
#[cfg(feature = "lnd")]
pub mod lnd;
#[cfg(feature = "sim")]
pub mod sim;

#[cfg(feature = "grpc")]
#[cfg_attr(
    not(any(feature = "lnd", feature = "cln")),
    expect(dead_code, unused_imports, reason = "there is no client to use it")
)]
mod grpc;
#[cfg(feature = "grpc")]
#[cfg_attr(
    not(any(all(feature = "lnd", feature = "cln"), test)),
    expect(dead_code, reason = "each client trusts in a way of its own")
)]
#[cfg_attr(
    not(feature = "cln"),
    expect(unused_imports, reason = "only this client shows a certificate")
)]
mod tls;
