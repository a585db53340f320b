//! The shell in paused time, with nodes that are scripts. Real connections are tested against
//! simulated and real nodes.

mod preferences;
mod reasons;
mod supervision;
mod world;

use std::sync::atomic::Ordering;

use futures::future::join_all;
use switchgear_core::{
    Partition,
    backend::{BackendPatch, Weight},
    balance::Backoff,
};
use tokio::time::{sleep, timeout};

use self::world::{
    MS, SECOND,
    Script::{Failing, Good, Hanging, HangingCalls, Slow, Unsynced},
    World, backend, config, request, until,
};
use super::*;

#[tokio::test(start_paused = true)]
async fn takes_turns_over_the_healthy_nodes() {
    let world = World::new(&[("a", Good), ("b", Good), ("c", Failing)]);
    let (balancer, _driver) = world.settle(config()).await;
    for _ in 0..10 {
        let issued = balancer.invoice(&request()).await.unwrap();
        assert_eq!(issued.attempts, 1);
    }
    let calls = world.calls();
    assert_eq!(calls.iter().filter(|name| *name == "a").count(), 5);
    assert_eq!(calls.iter().filter(|name| *name == "b").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn fails_over_at_once_and_spends_one_limit_on_a_hang() {
    let world = World::new(&[("a", Good), ("b", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    world.script("a", Failing);
    for _ in 0..4 {
        assert!(balancer.invoice(&request()).await.unwrap().elapsed < 10 * MS);
    }
    until(|| balancer.readiness().partitions[0].ready == 1).await;
    world.script("a", Good);
    until(|| balancer.readiness().partitions[0].ready == 2).await;

    world.script("a", Hanging);
    let requests: Vec<_> = [request(), request()].into();
    let issued = join_all(requests.iter().map(|request| balancer.invoice(request))).await;
    for issued in issued {
        assert!(issued.unwrap().elapsed < 2 * SECOND + 10 * MS);
    }
    assert_eq!(world.dropped.load(Ordering::Relaxed), 1, "one call hung");
}

#[tokio::test(start_paused = true)]
async fn serves_a_waiting_request_from_a_node_registered_meanwhile() {
    let world = World::new(&[]);
    let (balancer, _driver) = world.settle(config()).await;
    let waiting = tokio::spawn({
        let balancer = balancer.clone();
        async move { balancer.invoice(&request()).await }
    });
    sleep(500 * MS).await;
    world.script("late", Good);
    world.change(|backends| backends.push(backend("late")));
    let issued = waiting.await.unwrap().unwrap();
    assert_eq!(issued.invoice.bolt11, "late");
    assert!(issued.elapsed < 600 * MS, "{:?}", issued.elapsed);
}

#[tokio::test(start_paused = true)]
async fn finds_a_node_whose_publication_waits_behind_another() {
    let world = World::new(&[]);
    let stop = BalancerConfig {
        backoff: Backoff::Stop,
        ..config()
    };
    let (balancer, _driver) = world.settle(stop).await;
    for (name, script) in [("good", Good), ("hidden", Unsynced)] {
        // This one is published at once, and what follows it a moment later waits.
        world.script("off", Good);
        world.change(|backends| {
            let mut off = backend("off");
            BackendPatch::enabled(false).apply(&mut off);
            *backends = vec![off];
        });
        until(|| balancer.readiness().partitions[0].total == 1).await;
        sleep(200 * MS).await;
        world.change(|backends| backends[0].weight = Weight::new(7));
        sleep(10 * MS).await;
        world.script(name, script);
        world.change(|backends| backends.push(backend(name)));
        let issued = balancer.invoice(&request()).await.unwrap();
        assert_eq!(issued.invoice.bolt11, name);
        assert!(issued.elapsed < 1_500 * MS, "{:?}", issued.elapsed);
    }
}

#[tokio::test(start_paused = true)]
async fn has_no_node_for_a_partition_that_is_not_served() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    let elsewhere = InvoiceRequest {
        partition: Partition::try_new("elsewhere").unwrap(),
        ..request()
    };
    let started = Instant::now();
    assert_eq!(balancer.invoice(&elsewhere).await, Err(NoInvoice::NoNode));
    assert!(started.elapsed() < MS);
}

#[tokio::test(start_paused = true)]
async fn refreshes_once_for_all_who_wait() {
    let world = World::new(&[("a", Unsynced)]);
    let slow = BalancerConfig {
        health_period: 1_000 * SECOND,
        discovery_period: 1_000 * SECOND,
        ..config()
    };
    let (balancer, _driver) = world.settle(slow).await;
    let before = (
        world.snapshots.load(Ordering::Relaxed),
        world.checks.load(Ordering::Relaxed),
    );
    world.script("a", Good);
    let requests = vec![request(); 100];
    let issued = join_all(requests.iter().map(|request| balancer.invoice(request))).await;
    assert!(issued.iter().all(Result::is_ok));
    assert_eq!(world.snapshots.load(Ordering::Relaxed), before.0 + 1);
    assert_eq!(world.checks.load(Ordering::Relaxed), before.1 + 1);
}

#[tokio::test(start_paused = true)]
async fn refreshes_at_most_once_a_second() {
    let world = World::new(&[("a", Failing)]);
    let stop = BalancerConfig {
        health_period: 1_000 * SECOND,
        discovery_period: 1_000 * SECOND,
        backoff: Backoff::Stop,
        ..config()
    };
    let (balancer, _driver) = world.settle(stop).await;
    let before = world.checks.load(Ordering::Relaxed);
    let started = Instant::now();
    while started.elapsed() < 10 * SECOND {
        let answer = balancer.invoice(&request()).await;
        assert_eq!(answer, Err(NoInvoice::Exhausted));
        sleep(MS).await;
    }
    let checks = world.checks.load(Ordering::Relaxed) - before;
    assert!((8..=11).contains(&checks), "{checks}");
}

#[tokio::test(start_paused = true)]
async fn tries_nodes_whose_checks_fail_when_there_is_no_other() {
    let world = World::new(&[("a", Unsynced), ("b", Failing)]);
    let (balancer, _driver) = world.settle(config()).await;
    assert!(!balancer.readiness().is_ready());
    let issued = balancer.invoice(&request()).await.unwrap();
    assert_eq!(issued.invoice.bolt11, "a");
}

#[tokio::test(start_paused = true)]
async fn asks_no_node_that_was_disabled_or_removed() {
    let world = World::new(&[("a", Good), ("b", Good), ("c", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    world.change(|backends| {
        BackendPatch::enabled(false).apply(&mut backends[0]);
        backends.remove(1);
    });
    until(|| balancer.readiness().partitions[0].ready == 1).await;
    assert_eq!(balancer.readiness().partitions[0].total, 2);
    for _ in 0..10 {
        balancer.invoice(&request()).await.unwrap();
    }
    assert!(world.calls().iter().all(|name| name == "c"));
}

#[tokio::test(start_paused = true)]
async fn serves_what_it_knew_while_discovery_is_down() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    *world.store_is_down.lock().unwrap() = true;
    let before = world.snapshots.load(Ordering::Relaxed);
    sleep(10 * SECOND).await;
    assert!(world.snapshots.load(Ordering::Relaxed) > before);
    assert!(balancer.invoice(&request()).await.is_ok());

    world.script("b", Good);
    *world.store_is_down.lock().unwrap() = false;
    world.change(|backends| backends.push(backend("b")));
    until(|| balancer.readiness().partitions[0].ready == 2).await;
}

#[tokio::test(start_paused = true)]
async fn hears_a_change_that_came_while_it_asked() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world
        .settle(BalancerConfig {
            discovery_period: 1_000 * SECOND,
            ..config()
        })
        .await;
    *world.snapshot_takes.lock().unwrap() = SECOND;
    world.change(|backends| backends.push(backend("b")));
    sleep(500 * MS).await;
    // The look under way has read the store already.
    world.change(|backends| backends.push(backend("c")));
    world.script("b", Good);
    world.script("c", Good);
    timeout(
        5 * SECOND,
        until(|| balancer.readiness().partitions[0].ready == 3),
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn rests_between_looks_that_take_longer_than_their_period() {
    let world = World::new(&[("a", Good)]);
    *world.snapshot_takes.lock().unwrap() = 1_500 * MS;
    let every_second = BalancerConfig {
        discovery_period: SECOND,
        ..config()
    };
    let (_balancer, _driver) = world.settle(every_second).await;
    let before = world.snapshots.load(Ordering::Relaxed);
    sleep(30 * SECOND).await;
    let looks = world.snapshots.load(Ordering::Relaxed) - before;
    assert!((14..=16).contains(&looks), "{looks}, every other second");
}

#[tokio::test(start_paused = true)]
async fn asks_discovery_again_for_who_came_after_its_answer() {
    // The refresh under way when the second request comes is over before it may be asked again, or not.
    for health_timeout in [300 * MS, 60 * SECOND] {
        let world = World::new(&[("a", Hanging)]);
        let stop = BalancerConfig {
            health_period: 1_000 * SECOND,
            health_timeout,
            backoff: Backoff::Stop,
            discovery_period: 1_000 * SECOND,
            ..config()
        };
        let (balancer, _driver) = world.settle(stop).await;
        let before = world.snapshots.load(Ordering::Relaxed);
        let first = balancer.clone();
        tokio::spawn(async move { first.invoice(&request()).await });
        sleep(100 * MS).await;
        assert_eq!(world.snapshots.load(Ordering::Relaxed), before + 1);
        world.script("b", Good);
        world.change_unheard(|backends| backends.push(backend("b")));
        let issued = balancer.invoice(&request()).await.unwrap();
        assert_eq!(issued.invoice.bolt11, "b");
        assert!(issued.elapsed < SECOND, "{:?}", issued.elapsed);
        let looks = world.snapshots.load(Ordering::Relaxed) - before;
        assert_eq!(looks, 2, "within a second");
    }
}

#[tokio::test(start_paused = true)]
async fn takes_a_node_back_soon_though_many_calls_hung() {
    let world = World::new(&[("a", Good), ("b", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    world.script("a", HangingCalls);
    let requests = vec![request(); 100];
    let issued = join_all(requests.iter().map(|request| balancer.invoice(request))).await;
    assert!(issued.iter().all(Result::is_ok));
    until(|| balancer.readiness().partitions[0].ready == 1).await;
    world.script("a", Good);
    let back = async {
        while balancer.readiness().partitions[0].ready < 2 {
            balancer.invoice(&request()).await.unwrap();
            sleep(10 * MS).await;
        }
    };
    timeout(3 * SECOND, back).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn checks_a_node_in_spite_of_others_that_hang() {
    for parallel_health_checks in [true, false] {
        let world = World::new(&[("a", Hanging), ("b", Hanging), ("c", Good)]);
        let config = BalancerConfig {
            parallel_health_checks,
            ..config()
        };
        let started = Instant::now();
        let (balancer, _driver) = world.start(config);
        until(|| balancer.readiness().partitions[0].ready == 1).await;
        let elapsed = started.elapsed();
        if parallel_health_checks {
            assert!(elapsed < 100 * MS, "{elapsed:?}");
        } else {
            assert!(elapsed < 5 * SECOND, "{elapsed:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn drops_its_calls_with_the_request() {
    let world = World::new(&[("a", Slow(SECOND))]);
    let (balancer, _driver) = world.settle(config()).await;
    let late = timeout(100 * MS, balancer.invoice(&request())).await;
    assert!(late.is_err());
    assert_eq!(world.dropped.load(Ordering::Relaxed), 1);
    assert!(balancer.invoice(&request()).await.is_ok());
}
