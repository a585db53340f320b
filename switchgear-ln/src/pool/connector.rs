use std::{fmt, sync::Arc, time::Duration};

use switchgear_core::{
    backend::{Backend, Implementation},
    ln::LnClient,
};

use super::unsupported::UnsupportedClient;

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
#[derive(Debug, Clone)]
pub struct NodeConnector {
    #[cfg_attr(
        not(feature = "lnd"),
        expect(dead_code, reason = "without a client there is nothing to configure")
    )]
    config: NodeConnectorConfig,
}

impl NodeConnector {
    /// A connector whose clients all have `config`.
    pub fn new(config: NodeConnectorConfig) -> Self {
        Self { config }
    }
}

impl Connector for NodeConnector {
    fn connect(&self, backend: &Backend) -> Arc<dyn LnClient> {
        match &backend.implementation {
            #[cfg(feature = "lnd")]
            Implementation::LndGrpc(lnd) => {
                Arc::new(crate::lnd::LndClient::new(lnd, self.config.timeout))
            }
            #[cfg(not(feature = "lnd"))]
            Implementation::LndGrpc(_) => Arc::new(UnsupportedClient::new("LND")),
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
    async fn says_that_core_lightning_has_no_client_yet() {
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
        assert_eq!(error.kind(), LnErrorKind::Internal);
        assert_eq!(error.blame(), Blame::Request);
        assert_eq!(error.to_string(), "this build has no Core Lightning client");
    }
}
