//! The LND client against the real gRPC: what it asks for, what it reads, and credentials on the
//! move.

use std::{
    fs,
    time::{Duration, Instant},
};

use switchgear_core::{
    Millisatoshi,
    backend::Implementation,
    ln::{Blame, LnErrorKind, Network},
};
use switchgear_ln::sim::{SimNode, SimNodeConfig};

use crate::common::{Fixture, bounded, client, foreign_macaroon, healed, partition, request};

#[tokio::test]
async fn asks_for_exactly_what_is_wanted() {
    let alice = Fixture::start().await;
    let mut backend = alice.backend();
    let request = request();
    for (amp, hints) in [(false, false), (true, false), (false, true)] {
        if let Implementation::LndGrpc(lnd) = &mut backend.implementation {
            lnd.amp_invoice = amp;
            lnd.private_hints = hints;
        }
        let invoice = bounded(client(&backend).invoice(&request)).await.unwrap();
        invoice.verify(&request, &alice.expectation()).unwrap();

        let made = alice.node.invoice(&invoice.payment_hash).unwrap();
        assert_eq!(made.bolt11, invoice.bolt11);
        assert_eq!(made.amount, request.amount);
        assert_eq!(made.description_hash, request.metadata.hash());
        assert_eq!(made.expiry, request.expiry);
        assert_eq!((made.amp, made.private), (amp, hints));
    }
    assert_eq!(alice.node.invoices_made(), 3);
}

#[tokio::test]
async fn refuses_what_no_invoice_can_say_without_asking_the_node() {
    let alice = Fixture::start().await;
    let client = alice.client();
    let mut endless = request();
    endless.expiry = Duration::from_millis(999);
    let mut huge = request();
    huge.amount = Millisatoshi::new(1 << 63);
    let mut nothing = request();
    nothing.amount = Millisatoshi::ZERO;
    for request in [endless, huge, nothing] {
        let error = bounded(client.invoice(&request)).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Refused);
        assert_eq!(error.blame(), Blame::Request);
    }
    assert_eq!(alice.node.calls(), 0);
}

#[tokio::test]
async fn reads_key_network_and_inbound_capacity() {
    for (network, sat) in [(Network::Bitcoin, 0), (Network::Signet, 123_457)] {
        let directory = tempfile::tempdir().unwrap();
        let config = SimNodeConfig::new("bob", directory.path())
            .with_network(network)
            .with_inbound(Millisatoshi::from_sat(sat));
        let bob = SimNode::start(config).await.unwrap();
        let client = client(&bob.backend([partition()]));
        let status = bounded(client.status()).await.unwrap();
        assert_eq!(status.public_key, Some(bob.public_key()));
        assert_eq!(status.network, Some(network));
        assert_eq!(status.inbound, Some(Millisatoshi::from_sat(sat)));

        bob.set_inbound(Millisatoshi::from_sat(7));
        let status = bounded(client.status()).await.unwrap();
        assert_eq!(status.inbound, Some(Millisatoshi::from_sat(7)));
    }
}

#[tokio::test]
async fn shares_one_connection_among_concurrent_calls() {
    let alice = Fixture::start().await;
    let client = alice.client();
    let request = request();
    let calls = (0..50).map(|_| client.invoice(&request));
    for outcome in bounded(futures::future::join_all(calls)).await {
        outcome.unwrap();
    }
    assert_eq!(alice.node.connections(), 1);
    assert_eq!(alice.node.invoices_made(), 50);
}

#[tokio::test]
async fn starts_to_work_when_its_credentials_appear() {
    for index in 0..2 {
        let alice = Fixture::start().await;
        let path = alice.node.credential_paths().swap_remove(index);
        let away = alice.path().join("away");
        fs::rename(&path, &away).unwrap();
        let client = alice.client();
        let error = bounded(client.status()).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Credentials);
        let expected = format!("cannot read {}: there is no such file", path.display());
        assert_eq!(error.to_string(), expected);
        fs::rename(&away, &path).unwrap();
        healed(&*client).await;
    }
}

#[tokio::test]
async fn takes_up_a_rotated_macaroon_without_losing_a_call_or_the_connection() {
    let alice = Fixture::start().await;
    let client = alice.client();
    bounded(client.invoice(&request())).await.unwrap();
    for _ in 0..2 {
        alice.node.rotate_macaroon().unwrap();
        bounded(client.invoice(&request())).await.unwrap();
    }
    assert_eq!(alice.node.connections(), 1);
}

#[tokio::test]
async fn takes_up_a_rotated_certificate_without_losing_a_call() {
    let alice = Fixture::start().await;
    let client = alice.client();
    bounded(client.invoice(&request())).await.unwrap();
    alice.node.rotate_certificate().unwrap();
    alice.node.restart().await.unwrap();
    bounded(client.invoice(&request())).await.unwrap();
}

#[tokio::test]
async fn tells_a_wrong_macaroon_from_none_that_is_known() {
    let alice = Fixture::start().await;
    let foreign = foreign_macaroon("of another node");
    fs::write(alice.node.macaroon_path(), foreign).unwrap();
    let client = alice.client();
    let error = bounded(client.invoice(&request())).await.unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Unauthorized);
    assert_eq!(error.to_string(), "the node refused the macaroon");
    assert_eq!(alice.node.invoices_made(), 0);
}

#[tokio::test]
async fn shows_no_secret_in_debug_and_errors() {
    let alice = Fixture::start().await;
    fs::write(alice.node.macaroon_path(), foreign_macaroon("canary")).unwrap();
    let client = alice.client();
    let error = bounded(client.status()).await.unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Unauthorized);
    let shown = format!("{client:?} {error:?} {error} {:?}", alice.node);
    for secret in ["canary", "63616e617279"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn goes_on_with_the_macaroon_before_one_that_is_half_written() {
    let alice = Fixture::start().await;
    let client = alice.client();
    bounded(client.invoice(&request())).await.unwrap();
    let path = alice.node.macaroon_path();
    let whole = fs::read(&path).unwrap();
    for length in [1, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        // Longer than it takes to look at the files again.
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1_200) {
            bounded(client.invoice(&request())).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let error = bounded(alice.client().status()).await.unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Credentials);
    let expected = format!("{} is no macaroon", path.display());
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn sends_no_other_file_to_the_node() {
    let alice = Fixture::start().await;
    let path = alice.node.macaroon_path();
    let in_hex = hex::encode(fs::read(&path).unwrap());
    for (content, words) in [
        ("root:x:0:0:", "is no macaroon"),
        (&in_hex, "holds a macaroon in hex: store the binary file"),
    ] {
        fs::write(&path, content).unwrap();
        let error = bounded(alice.client().status()).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Credentials);
        assert_eq!(error.to_string(), format!("{} {words}", path.display()));
    }
    assert_eq!(alice.node.calls(), 0);
}
