//! What the suites share: a simulated node, a client of it, and bounded waiting.

use std::{path::Path, sync::Arc, time::Duration};

use switchgear_core::{
    Millisatoshi, Partition,
    backend::{Backend, Domain, Implementation},
    ln::{Expectation, InvoiceRequest, LnClient},
    lnurl::PayMetadata,
};
use switchgear_ln::{
    pool::{Connector as _, NodeConnector, NodeConnectorConfig},
    sim::{SimNode, SimNodeConfig, SimNodeKind},
};

/// How long connecting may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Far more than anything here should take on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A node and where its files are.
pub(crate) struct Fixture {
    pub(crate) node: SimNode,
    pub(crate) directory: tempfile::TempDir,
}

impl Fixture {
    /// An LND.
    pub(crate) async fn start() -> Self {
        Self::of(SimNodeKind::Lnd).await
    }

    pub(crate) async fn of(kind: SimNodeKind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = SimNodeConfig::new("alice", directory.path()).with_kind(kind);
        let node = SimNode::start(config).await.unwrap();
        Self { node, directory }
    }

    /// One of each kind.
    pub(crate) async fn both() -> [Self; 2] {
        [
            Self::of(SimNodeKind::Lnd).await,
            Self::of(SimNodeKind::Cln).await,
        ]
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn backend(&self) -> Backend {
        self.node.backend([partition()])
    }

    pub(crate) fn client(&self) -> Arc<dyn LnClient> {
        client(&self.backend())
    }

    /// A client that checks another name than the URL's host.
    pub(crate) fn client_of_domain(&self, domain: &str) -> Arc<dyn LnClient> {
        let mut backend = self.backend();
        if let Implementation::LndGrpc(lnd) = &mut backend.implementation {
            lnd.domain = Some(Domain::try_new(domain).unwrap());
        }
        client(&backend)
    }

    /// What the node's invoices must say.
    pub(crate) fn expectation(&self) -> Expectation {
        Expectation {
            payee: Some(self.node.public_key()),
            network: Some(switchgear_core::ln::Network::Regtest),
            unix_time: std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap(),
        }
    }
}

pub(crate) fn client(backend: &Backend) -> Arc<dyn LnClient> {
    let timeout = CONNECT_TIMEOUT;
    NodeConnector::new(NodeConnectorConfig { timeout }).connect(backend)
}

pub(crate) fn partition() -> Partition {
    Partition::try_new("default").unwrap()
}

pub(crate) fn request() -> InvoiceRequest {
    InvoiceRequest {
        partition: partition(),
        amount: Millisatoshi::new(21_001),
        metadata: PayMetadata::from_served(r#"[["text/plain","coffee"]]"#),
        expiry: Duration::from_secs(180),
        comment: None,
    }
}

/// Fails the test when `future` takes longer than any right outcome would.
pub(crate) async fn bounded<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("an outcome in bounded time")
}

/// Waits for a state of the other side that nothing announces.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what}"));
}

/// Waits until an invoice is made: what the node was before may be remembered for a moment.
pub(crate) async fn healed(client: &dyn LnClient) {
    let healing = async {
        while client.invoice(&request()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    bounded(healing).await;
}

/// A whole macaroon that no node made.
pub(crate) fn foreign_macaroon(identifier: &str) -> Vec<u8> {
    let length = u8::try_from(identifier.len()).unwrap();
    let mut macaroon = vec![2, 2, length];
    macaroon.extend(identifier.as_bytes());
    macaroon.extend([0, 0, 6, 32]);
    macaroon.extend([7; 32]);
    macaroon
}
