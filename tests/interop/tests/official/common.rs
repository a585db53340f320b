//! A server of the official protos, a client of it, and bounded waiting.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use switchgear_core::{
    Millisatoshi, Partition,
    backend::Backend,
    ln::{Expectation, InvoiceRequest, LnClient, LnError, Network},
    lnurl::PayMetadata,
};
use switchgear_interop::OfficialCln;
use switchgear_ln::pool::{Connector as _, NodeConnector, NodeConnectorConfig};

/// Far more than anything here should take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A node, and where the files for its clients are.
pub(crate) struct Fixture {
    pub(crate) node: OfficialCln,
    directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let node = OfficialCln::start(directory.path()).await.unwrap();
        Self { node, directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn client(&self) -> Arc<dyn LnClient> {
        self.client_with("localhost", false)
    }

    pub(crate) fn client_with(&self, domain: &str, private_hints: bool) -> Arc<dyn LnClient> {
        let file = |name| self.path().join(name);
        let backend: Backend = serde_json::from_value(json!({
            "address": {"url": "https://cln.example.com"},
            "partitions": ["default"],
            "weight": 1,
            "enabled": true,
            "implementation": {
                "type": "clnGrpc",
                "url": format!("https://{}", self.node.address()),
                "domain": domain,
                "privateHints": private_hints,
                "auth": {
                    "type": "path",
                    "caCertPath": file("ca.pem"),
                    "clientCertPath": file("client.pem"),
                    "clientKeyPath": file("client-key.pem"),
                },
            },
        }))
        .unwrap();
        let timeout = Duration::from_secs(10);
        NodeConnector::new(NodeConnectorConfig { timeout }).connect(&backend)
    }

    pub(crate) fn expectation(&self) -> Expectation {
        Expectation {
            payee: Some(self.node.public_key().into()),
            network: Some(Network::Regtest),
            unix_time: SystemTime::now().duration_since(UNIX_EPOCH).unwrap(),
        }
    }
}

/// With metadata that JSON has to escape, and that fits into no plain description.
pub(crate) fn request() -> InvoiceRequest {
    let text = format!(r#"[["text/plain","\"caffè\" \\ {}"]]"#, "x".repeat(700));
    InvoiceRequest {
        partition: Partition::try_new("default").unwrap(),
        amount: Millisatoshi::new(21_001),
        metadata: PayMetadata::from_served(text),
        expiry: Duration::from_secs(180),
        comment: None,
    }
}

pub(crate) async fn bounded<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("an outcome in bounded time")
}

pub(crate) async fn refused(client: &dyn LnClient) -> LnError {
    bounded(client.invoice(&request())).await.unwrap_err()
}
