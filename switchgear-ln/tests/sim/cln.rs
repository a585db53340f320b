//! The Core Lightning client against the gRPC of its plugin: what it asks for, what it reads, and
//! credentials on the move. A real Core Lightning is in no registry of packages: simulated nodes stand
//! for it.

use std::{fs, sync::Arc};

use switchgear_core::{
    Millisatoshi,
    backend::Implementation,
    ln::{Blame, Expectation, LnClient, LnErrorKind, Network},
};
use switchgear_ln::sim::{Fault, FaultKind, SimNode, SimNodeConfig, SimNodeKind};

use crate::common::{bounded, client, healed, partition, request};

struct Cln {
    node: SimNode,
    directory: tempfile::TempDir,
}

impl Cln {
    async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    async fn start_with(change: impl FnOnce(SimNodeConfig) -> SimNodeConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = SimNodeConfig::new("carol", directory.path()).with_kind(SimNodeKind::Cln);
        let node = SimNode::start(change(config)).await.unwrap();
        Self { node, directory }
    }

    fn client(&self) -> Arc<dyn LnClient> {
        client(&self.node.backend([partition()]))
    }

    fn hinting_client(&self) -> Arc<dyn LnClient> {
        let mut backend = self.node.backend([partition()]);
        let Implementation::ClnGrpc(cln) = &mut backend.implementation else {
            panic!("another kind of node");
        };
        cln.private_hints = true;
        client(&backend)
    }

    fn expectation(&self) -> Expectation {
        Expectation {
            payee: Some(self.node.public_key()),
            network: Some(Network::Regtest),
            unix_time: std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap(),
        }
    }
}

#[tokio::test]
async fn asks_for_exactly_what_is_wanted() {
    let carol = Cln::start().await;
    let request = request();
    for (client, hints) in [(carol.client(), false), (carol.hinting_client(), true)] {
        bounded(client.status()).await.unwrap();
        let invoice = bounded(client.invoice(&request)).await.unwrap();
        invoice.verify(&request, &carol.expectation()).unwrap();

        let made = carol.node.invoice(&invoice.payment_hash).unwrap();
        assert_eq!(made.bolt11, invoice.bolt11);
        assert_eq!(made.amount, request.amount);
        assert_eq!(made.description_hash, request.metadata.hash());
        assert_eq!(made.expiry, request.expiry);
        assert_eq!(made.private, hints);
        assert!(made.label.unwrap().starts_with("switchgear-"));
    }
    assert_eq!(carol.node.invoices_made(), 2);
}

#[tokio::test]
async fn reads_key_network_sync_and_inbound_capacity() {
    for (network, msat) in [(Network::Bitcoin, 0), (Network::Signet, 123_456_789)] {
        let inbound = Millisatoshi::new(msat);
        let carol =
            Cln::start_with(|config| config.with_network(network).with_inbound(inbound)).await;
        let client = carol.client();
        let status = bounded(client.status()).await.unwrap();
        assert_eq!(status.public_key, Some(carol.node.public_key()));
        assert_eq!(status.network, Some(network));
        assert_eq!(status.inbound, Some(inbound));
        assert!(status.synced_to_chain);

        carol.node.set_inbound(Millisatoshi::new(7));
        carol.node.set_fault(Some(Fault::Unsynced)).await.unwrap();
        let status = bounded(client.status()).await.unwrap();
        assert_eq!(status.inbound, Some(Millisatoshi::new(7)));
        assert!(!status.synced_to_chain);
        assert_eq!(carol.node.counters().of(FaultKind::Unsynced), 1);
    }
}

#[tokio::test]
async fn goes_without_the_channels_of_a_node_that_keeps_them_to_itself() {
    let carol = Cln::start().await;
    let fault = Some(Fault::NoChannelRights);
    carol.node.set_fault(fault).await.unwrap();
    let client = carol.client();
    let status = bounded(client.status()).await.unwrap();
    assert_eq!(status.inbound, None);
    assert_eq!(carol.node.counters().of(FaultKind::NoChannelRights), 1);
    bounded(client.invoice(&request())).await.unwrap();
}

#[tokio::test]
async fn shares_one_connection_among_concurrent_calls() {
    let carol = Cln::start().await;
    let client = carol.client();
    let request = request();
    let calls = (0..50).map(|_| client.invoice(&request));
    for outcome in bounded(futures::future::join_all(calls)).await {
        outcome.unwrap();
    }
    assert_eq!(carol.node.connections(), 1);
    assert_eq!(carol.node.invoices_made(), 50);
}

#[tokio::test]
async fn starts_to_work_when_its_credentials_appear() {
    for index in 0..3 {
        let carol = Cln::start().await;
        let path = carol.node.credential_paths().swap_remove(index);
        let away = carol.directory.path().join("away");
        fs::rename(&path, &away).unwrap();
        let client = carol.client();
        let error = bounded(client.status()).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Credentials);
        let expected = format!("cannot read {}: there is no such file", path.display());
        assert_eq!(error.to_string(), expected);
        fs::rename(&away, &path).unwrap();
        healed(&*client).await;
    }
}

#[tokio::test]
async fn takes_up_new_certificates_on_both_sides_without_losing_a_call() {
    let carol = Cln::start().await;
    let client = carol.client();
    bounded(client.invoice(&request())).await.unwrap();
    for _ in 0..2 {
        carol.node.rotate_certificate().unwrap();
        carol.node.restart().await.unwrap();
        bounded(client.invoice(&request())).await.unwrap();
    }
    assert_eq!(carol.node.invoices_made(), 3);
}

#[tokio::test]
async fn tells_in_words_what_is_wrong_with_the_nodes_certificate() {
    for (fault, words) in [
        (
            Fault::ExpiredCertificate,
            "the node's certificate has expired",
        ),
        (
            Fault::SwappedCertificate,
            "the node's certificate is not the configured one, nor signed by it",
        ),
    ] {
        let carol = Cln::start().await;
        let kind = fault.kind();
        carol.node.set_fault(Some(fault)).await.unwrap();
        let client = carol.client();
        let error = bounded(client.invoice(&request())).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.blame()),
            (LnErrorKind::Tls, Blame::Node)
        );
        assert_eq!(error.to_string(), words);
        assert!(carol.node.counters().of(kind) > 0);

        carol.node.set_fault(None).await.unwrap();
        bounded(client.invoice(&request())).await.unwrap();
    }
}

#[tokio::test]
async fn takes_a_node_that_is_left_by_lightningd_for_one_that_is_not_ready() {
    let carol = Cln::start().await;
    let client = carol.client();
    for (fault, words) in [
        (
            Fault::shutting_down(),
            "the node is shutting down: \"lightningd is shutting down\"",
        ),
        (
            Fault::lightningd_gone(),
            "the node's gRPC plugin cannot reach lightningd",
        ),
    ] {
        let kind = fault.kind();
        carol.node.set_fault(Some(fault)).await.unwrap();
        let error = bounded(client.invoice(&request())).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::NotReady);
        assert_eq!(error.blame(), Blame::Node);
        assert!(error.is_transient());
        assert_eq!(error.to_string(), words);
        assert_eq!(carol.node.counters().of(kind), 1);
    }
    carol.node.set_fault(None).await.unwrap();
    bounded(client.invoice(&request())).await.unwrap();
}

#[tokio::test]
async fn shows_no_secret_in_debug_and_errors() {
    let carol = Cln::start().await;
    let client = carol.client();
    bounded(client.status()).await.unwrap();
    carol.node.stop().await;
    let error = bounded(client.status()).await.unwrap_err();
    let key = fs::read_to_string(carol.directory.path().join("client-key.pem")).unwrap();
    let secret = key.lines().nth(1).unwrap();
    let shown = format!("{client:?} {error:?} {error} {:?}", carol.node);
    assert!(!shown.contains(secret), "{shown}");
}
