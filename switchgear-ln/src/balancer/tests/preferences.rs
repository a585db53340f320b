//! Whom a request asks first, and how many: the strategies, the capacity bias, the bound of a round.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use switchgear_core::{
    balance::{Adaptive, Backoff, CapacityBias, Consistent, HealthThresholds, Strategy},
    ln::{InvoiceRequest, LnBalancer as _, NoInvoice},
    lnurl::{Comment, CommentLimit},
};
use tokio::time::{sleep, timeout};

use super::world::{
    MS, SECOND,
    Script::{Failing, FailingCalls, Good, Slow, Unsynced},
    World, config, request, until,
};
use crate::balancer::{Balancer, BalancerConfig};

/// With no node in range of anything but what it tells.
fn biased() -> BalancerConfig {
    BalancerConfig {
        capacity_bias: Some(CapacityBias::try_new(0.0).unwrap()),
        ..config()
    }
}

fn with(strategy: impl Strategy + 'static) -> BalancerConfig {
    BalancerConfig {
        strategy: Arc::new(strategy),
        ..config()
    }
}

fn commented(text: &str) -> InvoiceRequest {
    let limit = CommentLimit::new(64).unwrap();
    InvoiceRequest {
        comment: Comment::try_new(text, limit).unwrap(),
        ..request()
    }
}

async fn node_of(balancer: &Balancer, request: &InvoiceRequest) -> String {
    balancer.invoice(request).await.unwrap().invoice.bolt11
}

/// Who makes the next `count` invoices.
async fn nodes_of(balancer: &Balancer, count: usize) -> Vec<String> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(node_of(balancer, &request()).await);
    }
    nodes
}

#[tokio::test(start_paused = true)]
async fn consistent_sends_a_comment_to_one_node_and_on_to_another_when_that_dies() {
    let world = World::new(&[("a", Good), ("b", Good), ("c", Good)]);
    let (one, _driver) = world.settle(with(Consistent::default())).await;
    let (other, _other_driver) = world.settle(with(Consistent::default())).await;
    let alice = commented("alice");
    let first = node_of(&one, &alice).await;
    for _ in 0..20 {
        assert_eq!(node_of(&one, &alice).await, first);
        assert_eq!(node_of(&other, &alice).await, first, "another instance");
    }
    let mut nodes = std::collections::BTreeSet::new();
    for payer in 0..50 {
        nodes.insert(node_of(&one, &commented(&format!("payer {payer}"))).await);
    }
    assert_eq!(nodes.len(), 3, "other comments go elsewhere");

    world.script(&first, Failing);
    let issued = one.invoice(&alice).await.unwrap();
    assert!(issued.elapsed < 10 * MS, "{:?}", issued.elapsed);
    let second = issued.invoice.bolt11;
    assert_ne!(second, first);
    until(|| one.readiness().partitions[0].ready == 2).await;
    for _ in 0..20 {
        assert_eq!(node_of(&one, &alice).await, second);
    }
    world.script(&first, Good);
    until(|| one.readiness().partitions[0].ready == 3).await;
    assert_eq!(node_of(&one, &alice).await, first, "it is back");
}

#[tokio::test(start_paused = true)]
async fn the_bias_prefers_the_node_with_room_and_falls_back_to_others() {
    let world = World::new(&[("full", Good), ("room", Good), ("silent", Good)]);
    let amount = request().amount.msat();
    world.tell_inbound("full", amount - 1);
    world.tell_inbound("room", amount);
    let (balancer, _driver) = world.settle(biased()).await;
    assert_eq!(nodes_of(&balancer, 10).await, ["room"; 10]);

    world.script("room", FailingCalls);
    for _ in 0..2 {
        let issued = balancer.invoice(&request()).await.unwrap();
        assert_eq!(issued.attempts, 2);
        assert_ne!(issued.invoice.bolt11, "room");
    }
    // Room moves: the next check tells.
    world.script("room", Good);
    world.tell_inbound("full", amount);
    world.tell_inbound("room", amount - 1);
    sleep(2 * SECOND).await;
    assert_eq!(nodes_of(&balancer, 10).await, ["full"; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_reading_older_than_three_periods_no_longer_counts() {
    let world = World::new(&[("stale", Good), ("full", Good)]);
    let amount = request().amount.msat();
    world.tell_inbound("stale", amount);
    world.tell_inbound("full", amount - 1);
    let forgiving = BalancerConfig {
        health: HealthThresholds {
            fall: NonZeroU32::MAX,
            ..HealthThresholds::default()
        },
        ..biased()
    };
    let (balancer, _driver) = world.settle(forgiving).await;
    // Its checks fail from now on, but it stays healthy and makes invoices.
    world.script("stale", Unsynced);
    sleep(1_800 * MS).await;
    assert_eq!(nodes_of(&balancer, 10).await, ["stale"; 10]);
    sleep(3 * SECOND).await;
    assert_eq!(balancer.readiness().partitions[0].ready, 2);
    let nodes = nodes_of(&balancer, 60).await;
    let full = nodes.iter().filter(|node| *node == "full").count();
    assert!((5..=55).contains(&full), "by weight again: {full} of 60");

    // A reading that says what the last one said is published within a few periods.
    world.script("stale", Good);
    sleep(5 * SECOND).await;
    assert_eq!(nodes_of(&balancer, 10).await, ["stale"; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_never_changes_goes_on_counting() {
    let world = World::new(&[("room", Good), ("full", Good)]);
    world.tell_inbound("room", request().amount.msat());
    let (balancer, _driver) = world.settle(biased()).await;
    for _ in 0..100 {
        assert_eq!(node_of(&balancer, &request()).await, "room");
        sleep(173 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn max_iterations_bounds_a_round() {
    let names = ["a", "b", "c", "d", "e"];
    for (bound, asked) in [(Some(2), 2), (Some(5), 5), (Some(9), 5), (None, 5)] {
        let world = World::new(&names.map(|name| (name, FailingCalls)));
        let bounded = BalancerConfig {
            max_iterations: bound.and_then(NonZeroU32::new),
            backoff: Backoff::Stop,
            ..config()
        };
        let (balancer, _driver) = world.settle(bounded).await;
        let answer = balancer.invoice(&request()).await;
        assert_eq!(answer, Err(NoInvoice::Exhausted));
        assert_eq!(world.calls().len(), asked, "{bound:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn adaptive_prefers_the_quick_node() {
    let world = World::new(&[("slow", Slow(200 * MS)), ("quick", Slow(5 * MS))]);
    let (balancer, _driver) = world.settle(with(Adaptive)).await;
    let nodes = nodes_of(&balancer, 400).await;
    let slow = nodes.iter().filter(|node| *node == "slow").count();
    assert!(
        slow < 100,
        "half of what its weight is worth: {slow} of 400"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waits_for_any_more_tells_that_its_node_is_slow() {
    let world = World::new(&[("slow", Slow(SECOND)), ("quick", Good)]);
    let (balancer, _driver) = world.settle(with(Adaptive)).await;
    let impatient = Duration::from_millis(50);
    let mut given_up = 0;
    for _ in 0..400 {
        let answer = timeout(impatient, balancer.invoice(&request())).await;
        given_up += usize::from(answer.is_err());
    }
    assert!((1..100).contains(&given_up), "{given_up} of 400");
}
