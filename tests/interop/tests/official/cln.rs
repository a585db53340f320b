//! The Core Lightning client: what it says and reads, in all fields of the official messages.

use std::{collections::HashSet, fs};

use switchgear_core::{
    Millisatoshi,
    ln::{Blame, LnErrorKind, Network},
};
use switchgear_interop::{
    Certificates, Channel,
    official::{ChannelState, amount_or_any},
};
use tonic::Status;

use crate::common::{Fixture, bounded, refused, request};

#[tokio::test]
async fn an_invoice_decodes_and_commits_to_the_hash_of_the_metadata() {
    let cln = Fixture::start().await;
    let client = cln.client();
    let request = request();
    let invoice = bounded(client.invoice(&request)).await.unwrap();
    invoice.verify(&request, &cln.expectation()).unwrap();

    let [asked] = cln.node.requests().try_into().unwrap();
    assert_eq!(asked.description, request.metadata.as_str());
    assert_eq!(asked.deschashonly, Some(true));
    assert_eq!(asked.expiry, Some(180));
    let amount = asked.amount_msat.unwrap().value.unwrap();
    assert!(matches!(amount, amount_or_any::Value::Amount(amount) if amount.msat == 21_001));
    assert!(asked.exposeprivatechannels.is_empty());
    assert!(asked.preimage.is_none() && asked.fallbacks.is_empty() && asked.cltv.is_none());
}

#[tokio::test]
async fn labels_never_repeat_over_a_thousand_invoices_of_two_clients() {
    let cln = Fixture::start().await;
    let (one, two) = (cln.client(), cln.client());
    let request = request();
    let calls = (0..500).flat_map(|_| [one.invoice(&request), two.invoice(&request)]);
    for outcome in bounded(futures::future::join_all(calls)).await {
        outcome.unwrap();
    }
    let requests = cln.node.requests();
    let labels: HashSet<_> = requests.iter().map(|asked| &asked.label).collect();
    assert_eq!(labels.len(), 1_000);
    for label in labels {
        assert!(label.starts_with("switchgear-"), "{label}");
    }
}

#[tokio::test]
async fn reads_key_network_sync_and_inbound_among_all_fields_of_the_messages() {
    let cln = Fixture::start().await;
    let mut closing = Channel::new("4x4x4", 5_000_000);
    closing.state = ChannelState::ChanneldShuttingDown;
    let mut away = Channel::new("5x5x5", 5_000_000);
    away.connected = false;
    let mut splicing = Channel::new("3x3x3", 1);
    splicing.state = ChannelState::ChanneldAwaitingSplice;
    cln.node.set_channels([
        Channel::new("1x1x1", 70_000_000),
        Channel::new("2x2x2", 123_000).private(),
        splicing,
        closing,
        away,
    ]);
    let client = cln.client();
    let status = bounded(client.status()).await.unwrap();
    assert_eq!(status.public_key, Some(cln.node.public_key().into()));
    assert_eq!(status.network, Some(Network::Regtest));
    assert_eq!(status.inbound, Some(Millisatoshi::new(70_123_001)));
    assert!(status.synced_to_chain);

    for (bitcoind, lightningd) in [(true, false), (false, true), (true, true)] {
        cln.node.set_behind(bitcoind, lightningd);
        let status = bounded(client.status()).await.unwrap();
        assert!(!status.synced_to_chain, "{bitcoind} {lightningd}");
    }
}

#[tokio::test]
async fn reads_a_list_of_thousands_of_channels() {
    let cln = Fixture::start().await;
    let channels = (0..5_000).map(|number| Channel::new(&format!("{number}x1x1"), 2_000));
    cln.node.set_channels(channels);
    let status = bounded(cln.client().status()).await.unwrap();
    assert_eq!(status.inbound, Some(Millisatoshi::from_sat(10_000)));
}

#[tokio::test]
async fn hints_at_private_channels_where_wanted_once_it_knows_them() {
    let cln = Fixture::start().await;
    cln.node.set_channels([
        Channel::new("1x1x1", 70_000_000),
        Channel::new("2x2x2", 30_000_000).private(),
    ]);
    for (wanted, names) in [(false, vec![]), (true, vec!["2x2x2", "162x2x2"])] {
        let client = cln.client_with("localhost", wanted);
        bounded(client.invoice(&request())).await.unwrap();
        let before = cln.node.requests().pop().unwrap();
        assert!(before.exposeprivatechannels.is_empty());

        bounded(client.status()).await.unwrap();
        let invoice = bounded(client.invoice(&request())).await.unwrap();
        invoice.verify(&request(), &cln.expectation()).unwrap();
        let after = cln.node.requests().pop().unwrap();
        assert_eq!(after.exposeprivatechannels, names);
    }
}

#[tokio::test]
async fn goes_without_hints_when_the_node_can_use_none_of_them() {
    let cln = Fixture::start().await;
    let mut private = Channel::new("2x2x2", 30_000_000).private();
    cln.node.set_channels([private.clone()]);
    let client = cln.client_with("localhost", true);
    bounded(client.status()).await.unwrap();

    private.connected = false;
    cln.node.set_channels([private]);
    bounded(client.invoice(&request())).await.unwrap();
    let [hinted, plain] = cln.node.requests().try_into().unwrap();
    assert_eq!(hinted.exposeprivatechannels, ["2x2x2", "162x2x2"]);
    assert!(plain.exposeprivatechannels.is_empty());
}

#[tokio::test]
async fn is_refused_in_words_without_a_certificate_that_the_node_signed() {
    let cln = Fixture::start().await;
    let stranger = tempfile::tempdir().unwrap();
    Certificates::generate()
        .unwrap()
        .write_for_client(stranger.path())
        .unwrap();
    for file in ["client.pem", "client-key.pem"] {
        fs::copy(stranger.path().join(file), cln.path().join(file)).unwrap();
    }
    let error = refused(&*cln.client()).await;
    assert_eq!(error.kind(), LnErrorKind::Tls, "{error}");
    let words = "the node refused the TLS handshake: ";
    assert!(error.to_string().starts_with(words), "{error}");
    assert!(cln.node.requests().is_empty());
}

#[tokio::test]
async fn refuses_a_node_of_another_authority_in_words() {
    let cln = Fixture::start().await;
    let stranger = tempfile::tempdir().unwrap();
    Certificates::generate()
        .unwrap()
        .write_for_client(stranger.path())
        .unwrap();
    fs::copy(stranger.path().join("ca.pem"), cln.path().join("ca.pem")).unwrap();
    let error = refused(&*cln.client()).await;
    assert_eq!(error.kind(), LnErrorKind::Tls);
    let words = "the node's certificate is not the configured one, nor signed by it";
    assert_eq!(error.to_string(), words);
    assert!(cln.node.requests().is_empty());
}

#[tokio::test]
async fn checks_the_domain_in_the_nodes_certificate() {
    let cln = Fixture::start().await;
    for domain in ["localhost", "cln"] {
        bounded(cln.client_with(domain, false).invoice(&request()))
            .await
            .unwrap();
    }
    let error = refused(&*cln.client_with("other", false)).await;
    assert_eq!(error.kind(), LnErrorKind::Tls);
    let words = "the node's certificate is for another name: configure its domain";
    assert_eq!(error.to_string(), words);
    assert_eq!(cln.node.requests().len(), 2);
}

#[tokio::test]
async fn classifies_each_refusal_as_the_plugin_words_it() {
    let cln = Fixture::start().await;
    let client = cln.client();
    let rpc = |code: &str, message: &str| {
        Status::unknown(format!(
            "Error calling method Invoice: RpcError {{ code: {code}, message: {message:?}, data: None }}"
        ))
    };
    for (status, kind, blame, words) in [
        (
            rpc("Some(900)", "Duplicate label 'a'"),
            LnErrorKind::Refused,
            Blame::Request,
            "the node has an invoice of this label already",
        ),
        (
            rpc("Some(-32602)", "description: should be a string"),
            LnErrorKind::Refused,
            Blame::Request,
            "the node refused the request",
        ),
        (
            rpc("Some(-1)", "disk full"),
            LnErrorKind::Refused,
            Blame::Node,
            "the node refused the request",
        ),
        (
            rpc("Some(-5)", "lightningd is shutting down"),
            LnErrorKind::NotReady,
            Blame::Node,
            "the node is shutting down",
        ),
        (
            rpc("None", "no response from lightningd"),
            LnErrorKind::NotReady,
            Blame::Node,
            "the node's gRPC plugin cannot reach lightningd",
        ),
        (
            Status::internal("Connection refused (os error 111)"),
            LnErrorKind::NotReady,
            Blame::Node,
            "the node's gRPC plugin cannot reach lightningd",
        ),
    ] {
        cln.node.set_refusal(Some(status));
        let error = refused(&*client).await;
        assert_eq!((error.kind(), error.blame()), (kind, blame), "{error}");
        assert!(error.to_string().starts_with(words), "{error}");
    }
    assert_eq!(cln.node.requests().len(), 6);
    cln.node.set_refusal(None);
    bounded(client.invoice(&request())).await.unwrap();
}
