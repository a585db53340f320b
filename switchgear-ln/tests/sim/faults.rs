//! Every fault of a node is told apart, in bounded time, and passes when the node is well again: for
//! both kinds of nodes, but for LND's own words.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use switchgear_core::{
    Millisatoshi,
    ln::{Blame, Lie, LnClient, LnError, LnErrorKind, NodeStatus},
};
use switchgear_ln::sim::{Fault, FaultKind, SimLie};

use crate::common::{CONNECT_TIMEOUT, Fixture, bounded, healed, request, until};

#[tokio::test]
async fn refuses_to_wait_for_a_node_that_is_down_and_finds_it_again() {
    for fault in [Fault::Refuse, Fault::Die] {
        for alice in Fixture::both().await {
            let client = alice.client();
            bounded(client.status()).await.unwrap();

            alice.node.set_fault(Some(fault.clone())).await.unwrap();
            let error = bounded(refused_connection(&*client)).await;
            assert_eq!(error.kind(), LnErrorKind::Unreachable, "{fault:?}");
            assert!(error.is_transient());
            assert_eq!(error.blame(), Blame::Node);
            assert_eq!(alice.node.faults_served(), 1);

            alice.node.set_fault(None).await.unwrap();
            // An attempt of before may just have been refused.
            healed(&*client).await;
            assert_eq!(alice.node.connections(), 2);
        }
    }
}

/// The first calls may still meet the old connection's end.
async fn refused_connection(client: &dyn LnClient) -> LnError {
    loop {
        let error = client.invoice(&request()).await.unwrap_err();
        if error.to_string() == "connection refused" {
            return error;
        }
    }
}

#[tokio::test]
async fn reconnects_with_the_next_call_after_a_restart_on_the_same_port() {
    for alice in Fixture::both().await {
        let client = alice.client();
        for round in 1..=3 {
            bounded(client.invoice(&request())).await.unwrap();
            assert_eq!(alice.node.connections(), round);
            alice.node.restart().await.unwrap();
        }
    }
}

#[tokio::test]
async fn finishes_calls_in_flight_when_a_node_stops_in_order() {
    for alice in Fixture::both().await {
        let client = alice.client();
        let slow = Fault::Slow(Duration::from_millis(300));
        alice.node.set_fault(Some(slow)).await.unwrap();
        let call = tokio::spawn(async move { client.invoice(&request()).await });
        until("the call arrives", || alice.node.calls() == 1).await;
        alice.node.set_fault(Some(Fault::Refuse)).await.unwrap();
        bounded(call).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn tells_a_call_that_its_connection_broke() {
    for alice in Fixture::both().await {
        let client = alice.client();
        alice.node.set_fault(Some(Fault::Hang)).await.unwrap();
        let call = tokio::spawn(async move { client.invoice(&request()).await });
        until("the call hangs", || alice.node.faults_served() == 1).await;
        alice.node.set_fault(Some(Fault::Die)).await.unwrap();
        let error = bounded(call).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Unreachable);
    }
}

#[tokio::test]
async fn stays_usable_when_hanging_calls_are_dropped() {
    for fault in [Fault::Hang, Fault::HangInvoices] {
        for alice in Fixture::both().await {
            let client = alice.client();
            bounded(client.status()).await.unwrap();
            alice.node.set_fault(Some(fault.clone())).await.unwrap();
            for dropped in 1..=3 {
                let calling = Arc::clone(&client);
                let call = tokio::spawn(async move { calling.invoice(&request()).await });
                until("the call hangs", || alice.node.faults_served() == dropped).await;
                assert!(!call.is_finished(), "{fault:?}");
                call.abort();
            }
            if fault == Fault::HangInvoices {
                bounded(client.status()).await.unwrap();
            }
            alice.node.set_fault(None).await.unwrap();
            bounded(client.invoice(&request())).await.unwrap();
            assert_eq!(alice.node.connections(), 1);
        }
    }
}

#[tokio::test]
async fn gives_up_connecting_to_a_frozen_node_for_all_who_wait_at_once() {
    for alice in Fixture::both().await {
        let client = alice.client();
        alice.node.set_fault(Some(Fault::Freeze)).await.unwrap();
        let began = Instant::now();
        let calls = (0..10).map(|_| client.status());
        for outcome in bounded(futures::future::join_all(calls)).await {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), LnErrorKind::Timeout);
            assert_eq!(error.to_string(), "cannot connect within 2s");
        }
        let took = began.elapsed();
        assert!(took >= CONNECT_TIMEOUT, "{took:?}");
        assert!(took < CONNECT_TIMEOUT * 2, "{took:?}");
        assert!(alice.node.faults_served() > 0);
        // One for all of them, and maybe another by now that nobody asked for.
        assert!(alice.node.connections() <= 2);

        alice.node.set_fault(None).await.unwrap();
        bounded(client.status()).await.unwrap();
    }
}

#[tokio::test]
async fn a_caller_that_leaves_takes_no_connection_attempt_along() {
    for alice in Fixture::both().await {
        let client = alice.client();
        alice.node.set_fault(Some(Fault::Freeze)).await.unwrap();
        let calling = Arc::clone(&client);
        let call = tokio::spawn(async move { calling.status().await });
        until("the handshake hangs", || alice.node.faults_served() > 0).await;
        assert!(!call.is_finished());
        call.abort();
        alice.node.set_fault(None).await.unwrap();
        bounded(client.status()).await.unwrap();
        assert_eq!(alice.node.connections(), 1);
    }
}

#[tokio::test]
async fn notices_a_connection_that_froze_without_any_bound_of_the_caller() {
    let noticing = Fixture::both().await.map(async |alice| {
        let client = alice.client();
        bounded(client.status()).await.unwrap();
        alice.node.set_fault(Some(Fault::Freeze)).await.unwrap();
        let began = Instant::now();
        let error = bounded(client.invoice(&request())).await.unwrap_err();
        assert_eq!(error.kind(), LnErrorKind::Unreachable);
        // Pings notice it in nine seconds at the latest; the rest is room for a busy machine.
        let took = began.elapsed();
        assert!(took < Duration::from_secs(12), "{took:?}");
        assert!(alice.node.faults_served() > 0);

        alice.node.set_fault(None).await.unwrap();
        healed(&*client).await;
        assert_eq!(alice.node.connections(), 2);
    });
    futures::future::join_all(noticing).await;
}

#[tokio::test]
async fn waits_for_a_slow_node() {
    for alice in Fixture::both().await {
        let client = alice.client();
        let delay = Duration::from_millis(200);
        let slow = Some(Fault::Slow(delay));
        alice.node.set_fault(slow).await.unwrap();
        let began = Instant::now();
        bounded(client.invoice(&request())).await.unwrap();
        assert!(began.elapsed() >= delay);
        assert_eq!(alice.node.faults_served(), 1);
    }
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
    for alice in Fixture::both().await {
        let client = alice.client();
        for (code, kind) in (1..).zip(kinds) {
            let text = "something".to_owned();
            let fault = Fault::Status { code, text };
            alice.node.set_fault(Some(fault)).await.unwrap();
            let error = bounded(client.invoice(&request())).await.unwrap_err();
            assert_eq!(error.kind(), kind, "code {code}");
            let blame = match code {
                3 | 5 | 6 | 11 => Blame::Request,
                _ => Blame::Node,
            };
            assert_eq!(error.blame(), blame, "code {code}");
        }
        assert_eq!(alice.node.faults_served(), 16);
        assert_eq!(alice.node.calls(), 16, "a refused call is not repeated");
    }
}

#[tokio::test]
async fn reports_a_node_behind_the_chain_as_it_says_itself() {
    for alice in Fixture::both().await {
        let client = alice.client();
        assert!(bounded(client.status()).await.unwrap().synced_to_chain);
        alice.node.set_fault(Some(Fault::Unsynced)).await.unwrap();
        assert!(!bounded(client.status()).await.unwrap().synced_to_chain);
        assert_eq!(alice.node.faults_served(), 1);
    }
}

#[tokio::test]
async fn stays_healthy_without_a_list_of_channels() {
    for fault in [Fault::NoChannelRights, Fault::HangChannels] {
        for alice in Fixture::both().await {
            let client = alice.client();
            let before = bounded(client.status()).await.unwrap();
            assert_eq!(before.inbound, Some(Millisatoshi::from_sat(1_000_000)));
            alice.node.set_fault(Some(fault.clone())).await.unwrap();
            for checks in 1..=2 {
                let began = Instant::now();
                let status = bounded(client.status()).await.unwrap();
                let took = began.elapsed();
                assert!(took < CONNECT_TIMEOUT, "{fault:?}: {took:?}");
                let without = NodeStatus {
                    inbound: None,
                    ..before.clone()
                };
                assert_eq!(status, without, "{fault:?}");
                assert_eq!(alice.node.counters().of(fault.kind()), checks);
            }
            bounded(client.invoice(&request())).await.unwrap();

            alice.node.set_fault(None).await.unwrap();
            assert_eq!(bounded(client.status()).await.unwrap(), before);
            assert_eq!(alice.node.connections(), 1);
        }
    }
}

#[tokio::test]
async fn every_lie_is_caught() {
    for alice in Fixture::both().await {
        let client = alice.client();
        for (told, lie) in (1..).zip(SimLie::ALL) {
            alice.node.set_fault(Some(Fault::Lie(lie))).await.unwrap();
            let answer = bounded(client.invoice(&request())).await;
            assert_eq!(alice.node.counters().of(FaultKind::Lie), told);
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
            assert!(is_of(&caught, lie), "{lie:?}: {caught:?}");
        }
    }
}

fn is_of(caught: &Lie, lie: SimLie) -> bool {
    match lie {
        SimLie::Amount => {
            matches!(caught, Lie::Amount { got: Some(got), .. } if got.msat() == 42_002)
        }
        SimLie::Amountless => matches!(caught, Lie::Amount { got: None, .. }),
        SimLie::DescriptionHash => *caught == Lie::DescriptionHash,
        SimLie::Network => matches!(caught, Lie::Network { .. }),
        SimLie::Payee => matches!(caught, Lie::Payee { .. }),
        SimLie::Expiry => *caught == Lie::Expiry,
        SimLie::PaymentHash => *caught == Lie::PaymentHash,
        SimLie::Garbage => *caught == Lie::Undecodable,
        other => panic!("no check for {other:?}"),
    }
}
