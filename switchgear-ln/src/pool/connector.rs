use std::{fmt, sync::Arc, time::Duration};

use switchgear_core::{
    backend::{Backend, Implementation},
    ln::LnClient,
};

use super::unsupported::UnsupportedClient;
#[cfg(feature = "cln")]
use crate::cln::ClnClient;
#[cfg(feature = "lnd")]
use crate::lnd::LndClient;
#[cfg(feature = "grpc")]
use crate::tls::TrustSets;

/// Makes the client of a backend.
///
/// It neither blocks nor fails, and does no IO: a client connects when it is first called, and what
/// stands in its way is the answer of that call.
pub trait Connector: Send + Sync + fmt::Debug {
    /// A new client with a connection of its own; the caller keeps one for each backend.
    fn connect(&self, backend: &Backend) -> Arc<dyn LnClient>;
}

impl<T: Connector + ?Sized> Connector for Arc<T> {
    fn connect(&self, backend: &Backend) -> Arc<dyn LnClient> {
        (**self).connect(backend)
    }
}

/// How clients reach their nodes.
#[derive(Debug, Clone)]
pub struct NodeConnectorConfig {
    /// The longest that connecting may take, TLS included (`ln-client-timeout-secs`). Calls on an
    /// established connection are bounded by who makes them.
    pub timeout: Duration,
}

/// Chooses the client by the backend's [`Implementation`].
///
/// Its clients share what they trust: a fleet whose nodes are behind one authority parses it once.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(any(feature = "lnd", feature = "cln")),
    expect(dead_code, reason = "without a client there is nothing to configure")
)]
pub struct NodeConnector {
    config: NodeConnectorConfig,
    #[cfg(feature = "grpc")]
    trust_sets: Arc<TrustSets>,
}

impl NodeConnector {
    /// A connector whose clients all have `config`. They accept what a backend's own files say, and
    /// nothing else.
    pub fn new(config: NodeConnectorConfig) -> Self {
        Self {
            config,
            #[cfg(feature = "grpc")]
            trust_sets: Arc::default(),
        }
    }

    /// Whether a node may show a certificate that the operating system's roots signed, instead of one
    /// that its backend's files name; by default it may not.
    ///
    /// Such a certificate needs a whole chain, its dates, and the node's name: the backend's `domain`,
    /// or else the host of its URL. So whoever can get a public certificate for that name can stand in
    /// for the node; leave it off for nodes that are known by an address in a private network. The
    /// files are read and checked all the same, and what they say stays enough.
    #[must_use]
    pub fn with_system_roots(self, accepted: bool) -> Self {
        #[cfg(not(feature = "grpc"))]
        let _ = accepted;
        Self {
            #[cfg(feature = "grpc")]
            trust_sets: Arc::new(TrustSets::new(accepted)),
            ..self
        }
    }
}

impl Connector for NodeConnector {
    fn connect(&self, backend: &Backend) -> Arc<dyn LnClient> {
        match &backend.implementation {
            #[cfg(feature = "lnd")]
            Implementation::LndGrpc(lnd) => Arc::new(LndClient::with_trust_sets(
                lnd,
                self.config.timeout,
                Arc::clone(&self.trust_sets),
            )),
            #[cfg(not(feature = "lnd"))]
            Implementation::LndGrpc(_) => Arc::new(UnsupportedClient::new("LND")),
            #[cfg(feature = "cln")]
            Implementation::ClnGrpc(cln) => Arc::new(ClnClient::with_trust_sets(
                cln,
                self.config.timeout,
                Arc::clone(&self.trust_sets),
            )),
            #[cfg(not(feature = "cln"))]
            Implementation::ClnGrpc(_) => Arc::new(UnsupportedClient::new("Core Lightning")),
            _ => Arc::new(UnsupportedClient::new("matching")),
        }
    }
}

#[cfg(test)]
mod tests {
    use switchgear_core::ln::{Blame, LnErrorKind};

    use super::*;

    #[tokio::test]
    async fn has_a_client_for_core_lightning_where_the_feature_is_on() {
        let backend = serde_json::from_str(
            r#"{
                "address": {"url": "https://cln.example.com"},
                "partitions": ["default"],
                "weight": 1,
                "enabled": true,
                "implementation": {
                    "type": "clnGrpc",
                    "url": "https://127.0.0.1:9736",
                    "auth": {"type": "path", "caCertPath": "/ca", "clientCertPath": "/c", "clientKeyPath": "/k"}
                }
            }"#,
        )
        .unwrap();
        let nodes = NodeConnector::new(NodeConnectorConfig {
            timeout: Duration::from_secs(1),
        });
        let error = nodes.connect(&backend).status().await.unwrap_err();
        let (kind, blame, words) = match cfg!(feature = "cln") {
            true => (
                LnErrorKind::Credentials,
                Blame::Node,
                "cannot read /ca: there is no such file",
            ),
            false => (
                LnErrorKind::Internal,
                Blame::Request,
                "this build has no Core Lightning client",
            ),
        };
        assert_eq!((error.kind(), error.blame()), (kind, blame));
        assert_eq!(error.to_string(), words);
    }
}
