//! Every fault of a node is told apart, in bounded time, and passes when the node is well again.

use std::time::{Duration, Instant};

use switchgear_core::{
    Millisatoshi,
    ln::{Blame, Lie, LnErrorKind},
};
use switchgear_ln::sim::{Fault, SimLie};

use crate::common::{CONNECT_TIMEOUT, Fixture, bounded, request, until};

#[tokio::test]
async fn refuses_to_wait_for_a_node_that_is_down_and_finds_it_again() {
    for fault in [Fault::Refuse, Fault::Die] {
        let alice = Fixture::start().await;
        let client = alice.client();
        bounded(client.status()).await.unwrap();

        alice.node.set_fault(Some(fault.clone())).await.unwrap();
        // The first call may still meet the old connection's end.
        let _ = bounded(client.status()).await;
        let error = bounded(client.invoice(&request())).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Unreachable, "{fault:?}");
        assert_eq!(error.to_string(), "connection refused", "{fault:?}");
        assert!(error.is_transient());
        assert_eq!(error.blame(), Blame::Node);
        assert_eq!(alice.node.faults_served(), 1);

        alice.node.set_fault(None).await.unwrap();
        bounded(client.invoice(&request())).await.unwrap();
        assert_eq!(alice.node.connections(), 2);
    }
}

#[tokio::test]
async fn reconnects_with_the_next_call_after_a_restart_on_the_same_port() {
    let alice = Fixture::start().await;
    let client = alice.client();
    for round in 1..=3 {
        bounded(client.invoice(&request())).await.unwrap();
        assert_eq!(alice.node.connections(), round);
        alice.node.restart().await.unwrap();
    }
}

#[tokio::test]
async fn finishes_calls_in_flight_when_a_node_stops_in_order() {
    let alice = Fixture::start().await;
    let client = alice.client();
    let slow = Fault::Slow(Duration::from_millis(300));
    alice.node.set_fault(Some(slow)).await.unwrap();
    let call = tokio::spawn(async move { client.invoice(&request()).await });
    until("the call arrives", || alice.node.calls() == 1).await;
    alice.node.set_fault(Some(Fault::Refuse)).await.unwrap();
    bounded(call).await.unwrap().unwrap();
}

#[tokio::test]
async fn tells_a_call_that_its_connection_broke() {
    let alice = Fixture::start().await;
    let client = alice.client();
    alice.node.set_fault(Some(Fault::Hang)).await.unwrap();
    let call = tokio::spawn(async move { client.invoice(&request()).await });
    until("the call hangs", || alice.node.faults_served() == 1).await;
    alice.node.set_fault(Some(Fault::Die)).await.unwrap();
    let error = bounded(call).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Unreachable);
}

#[tokio::test]
async fn stays_usable_when_hanging_calls_are_dropped() {
    for fault in [Fault::Hang, Fault::HangInvoices] {
        let alice = Fixture::start().await;
        let client = alice.client();
        alice.node.set_fault(Some(fault.clone())).await.unwrap();
        let limit = Duration::from_millis(100);
        for _ in 0..3 {
            let answer = tokio::time::timeout(limit, client.invoice(&request())).await;
            assert!(answer.is_err(), "{fault:?}");
        }
        assert_eq!(alice.node.faults_served(), 3);
        let status = tokio::time::timeout(limit, client.status()).await;
        assert_eq!(status.is_ok(), fault == Fault::HangInvoices, "{fault:?}");

        alice.node.set_fault(None).await.unwrap();
        bounded(client.invoice(&request())).await.unwrap();
        assert_eq!(alice.node.connections(), 1);
    }
}

#[tokio::test]
async fn gives_up_connecting_to_a_frozen_node_for_all_who_wait_at_once() {
    let alice = Fixture::start().await;
    let client = alice.client();
    alice.node.set_fault(Some(Fault::Freeze)).await.unwrap();
    let began = Instant::now();
    let calls = (0..10).map(|_| client.status());
    for outcome in bounded(futures::future::join_all(calls)).await {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Timeout);
        assert_eq!(error.to_string(), "cannot connect within 2s");
    }
    assert!(began.elapsed() >= CONNECT_TIMEOUT);
    assert!(
        began.elapsed() < CONNECT_TIMEOUT * 2,
        "{:?}",
        began.elapsed()
    );
    assert!(alice.node.faults_served() > 0);
    assert_eq!(alice.node.connections(), 1);

    alice.node.set_fault(None).await.unwrap();
    bounded(client.status()).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_leaves_takes_no_connection_attempt_along() {
    let alice = Fixture::start().await;
    let client = alice.client();
    alice.node.set_fault(Some(Fault::Freeze)).await.unwrap();
    let left = tokio::time::timeout(Duration::from_millis(50), client.status()).await;
    assert!(left.is_err());
    until("the handshake hangs", || alice.node.faults_served() > 0).await;
    alice.node.set_fault(None).await.unwrap();
    bounded(client.status()).await.unwrap();
    assert_eq!(alice.node.connections(), 1);
}

#[tokio::test]
async fn notices_a_connection_that_froze_within_ten_seconds() {
    let alice = Fixture::start().await;
    let client = alice.client();
    bounded(client.status()).await.unwrap();
    alice.node.set_fault(Some(Fault::Freeze)).await.unwrap();
    let began = Instant::now();
    let error = bounded(client.invoice(&request())).await.unwrap_err();
    assert_eq!(error.kind(), LnErrorKind::Unreachable);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(alice.node.faults_served() > 0);

    alice.node.set_fault(None).await.unwrap();
    bounded(client.invoice(&request())).await.unwrap();
    assert_eq!(alice.node.connections(), 2);
}

#[tokio::test]
async fn waits_for_a_slow_node() {
    let alice = Fixture::start().await;
    let client = alice.client();
    let delay = Duration::from_millis(200);
    alice
        .node
        .set_fault(Some(Fault::Slow(delay)))
        .await
        .unwrap();
    let began = Instant::now();
    bounded(client.invoice(&request())).await.unwrap();
    assert!(began.elapsed() >= delay);
    assert_eq!(alice.node.faults_served(), 1);
}

#[tokio::test]
async fn knows_a_node_that_is_locked_or_starting() {
    let alice = Fixture::start().await;
    let client = alice.client();
    for (fault, message) in [
        (Fault::locked(), "the wallet is locked: unlock it"),
        (Fault::starting(), "the node is starting up"),
    ] {
        alice.node.set_fault(Some(fault)).await.unwrap();
        let of_invoice = bounded(client.invoice(&request())).await.unwrap_err();
        let of_status = bounded(client.status()).await.unwrap_err();
        for error in [of_invoice, of_status] {
            assert_eq!(error.kind(), LnErrorKind::NotReady);
            assert_eq!(error.to_string(), message);
        }
    }
    assert_eq!(alice.node.faults_served(), 4);
}

#[tokio::test]
async fn classifies_every_code_that_comes_over_the_wire() {
    use LnErrorKind::{Internal, NotReady, Protocol, Refused, Timeout, Unauthorized, Unreachable};

    let alice = Fixture::start().await;
    let client = alice.client();
    let kinds = [
        Unreachable,
        Refused,
        Refused,
        Timeout,
        Refused,
        Refused,
        Unauthorized,
        NotReady,
        NotReady,
        NotReady,
        Refused,
        Internal,
        Protocol,
        Unreachable,
        Protocol,
        Unauthorized,
    ];
    for (code, kind) in (1..).zip(kinds) {
        let text = "something".to_owned();
        let fault = Fault::Status { code, text };
        alice.node.set_fault(Some(fault)).await.unwrap();
        let error = bounded(client.invoice(&request())).await.unwrap_err();
        assert_eq!(error.kind(), kind, "code {code}");
    }
    assert_eq!(alice.node.faults_served(), 16);
    assert_eq!(alice.node.calls(), 16, "a refused call is not repeated");
}

#[tokio::test]
async fn reports_a_node_behind_the_chain_as_it_says_itself() {
    let alice = Fixture::start().await;
    let client = alice.client();
    assert!(bounded(client.status()).await.unwrap().synced_to_chain);
    alice.node.set_fault(Some(Fault::Unsynced)).await.unwrap();
    assert!(!bounded(client.status()).await.unwrap().synced_to_chain);
    assert_eq!(alice.node.faults_served(), 1);
}

#[tokio::test]
async fn stays_healthy_without_the_right_to_list_channels() {
    let alice = Fixture::start().await;
    let client = alice.client();
    let before = bounded(client.status()).await.unwrap();
    assert_eq!(before.inbound, Some(Millisatoshi::from_sat(1_000_000)));
    alice
        .node
        .set_fault(Some(Fault::NoChannelRights))
        .await
        .unwrap();
    let status = bounded(client.status()).await.unwrap();
    assert_eq!(status.inbound, None);
    assert!(status.synced_to_chain);
    assert_eq!(alice.node.faults_served(), 1);
}

#[tokio::test]
async fn every_lie_is_caught() {
    let alice = Fixture::start().await;
    let client = alice.client();
    for (told, lie) in SimLie::ALL.into_iter().enumerate() {
        alice.node.set_fault(Some(Fault::Lie(lie))).await.unwrap();
        let answer = bounded(client.invoice(&request())).await;
        assert_eq!(alice.node.faults_served(), told as u64 + 1);
        if lie == SimLie::Oversized {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), LnErrorKind::Protocol);
            assert_eq!(error.to_string(), "the node's answer is too large");
            continue;
        }
        let caught = answer
            .unwrap()
            .verify(&request(), &alice.expectation())
            .unwrap_err();
        let right = match lie {
            SimLie::Amount => {
                matches!(&caught, Lie::Amount { got: Some(got), .. } if got.msat() == 42_002)
            }
            SimLie::Amountless => matches!(&caught, Lie::Amount { got: None, .. }),
            SimLie::DescriptionHash => caught == Lie::DescriptionHash,
            SimLie::Network => matches!(&caught, Lie::Network { .. }),
            SimLie::Payee => matches!(&caught, Lie::Payee { .. }),
            SimLie::Expiry => caught == Lie::Expiry,
            SimLie::PaymentHash => caught == Lie::PaymentHash,
            SimLie::Garbage => caught == Lie::Undecodable,
            other => panic!("no check for {other:?}"),
        };
        assert!(right, "{lie:?}: {caught:?}");
    }
}
