//! What becomes of tasks: those that panic, and all of them at the end.

use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use super::{
    world::{
        BROKEN, SECOND,
        Script::{FailingCalls, Good, HangingCalls, Panicking},
        StorePanic, World, backend, config, request, until,
    },
    *,
};

#[tokio::test(start_paused = true)]
async fn takes_a_check_that_panics_for_a_failed_one_and_goes_on() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    assert!(balancer.readiness().is_ready());
    world.script("a", Panicking);
    until(|| !balancer.readiness().is_ready()).await;
    let issued = balancer.invoice(&request()).await.unwrap();
    assert_eq!(issued.invoice.bolt11, "a", "the refresh ended all the same");
    world.script("a", Good);
    until(|| balancer.readiness().is_ready()).await;
    assert!(balancer.panics() > 0);
}

#[tokio::test(start_paused = true)]
async fn checks_a_node_whose_check_panicked_as_soon_as_a_refresh_begins() {
    let world = World::new(&[("a", Panicking)]);
    let long = BalancerConfig {
        health_period: 300 * SECOND,
        backoff: Backoff::Stop,
        ..config()
    };
    let (balancer, _driver) = world.settle(long).await;
    let before = balancer.panics();
    for _ in 0..3 {
        let before = world.checks.load(Ordering::Relaxed);
        let issued = balancer.invoice(&request()).await.unwrap();
        assert!(issued.elapsed < 1_100 * MS, "{:?}", issued.elapsed);
        assert_eq!(world.checks.load(Ordering::Relaxed), before + 1);
    }
    assert_eq!(balancer.panics(), before + 3);
    world.script("a", Good);
    balancer.invoice(&request()).await.unwrap();
    assert!(balancer.readiness().is_ready());
}

#[tokio::test(start_paused = true)]
async fn goes_on_asking_a_store_whose_code_panicked() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    assert_eq!(balancer.panics(), 0);
    *world.store_panics.lock().unwrap() = Some(StorePanic::Snapshots);
    until(|| balancer.panics() >= 2).await;
    assert!(balancer.invoice(&request()).await.is_ok());

    *world.store_panics.lock().unwrap() = None;
    world.script("b", Good);
    world.change(|backends| backends.push(backend("b")));
    until(|| balancer.readiness().partitions[0].ready == 2).await;
}

#[tokio::test(start_paused = true)]
async fn hears_of_changes_again_after_the_store_panicked() {
    let world = World::new(&[("a", Good)]);
    let long = BalancerConfig {
        discovery_period: 100 * SECOND,
        ..config()
    };
    let (balancer, _driver) = world.settle(long).await;
    *world.store_panics.lock().unwrap() = Some(StorePanic::Changes);
    world.script("b", Good);
    world.change(|backends| backends.push(backend("b")));
    until(|| balancer.panics() == 1).await;
    assert_eq!(balancer.readiness().partitions[0].total, 1, "nobody heard");
    *world.store_panics.lock().unwrap() = None;
    until(|| balancer.readiness().partitions[0].ready == 2).await;

    // Past the moment at which it listens again, and long before it would ask by itself.
    until(|| world.listeners() == 1).await;
    world.script("c", Good);
    world.change(|backends| backends.push(backend("c")));
    let heard = until(|| balancer.readiness().partitions[0].ready == 3);
    timeout(SECOND, heard).await.unwrap();
    assert_eq!(balancer.panics(), 1);
}

/// Nothing of a balancer is left but the world's own handle: no client and so no connection, no
/// clock, no ear, no task.
fn nothing_is_left(world: &Arc<World>) -> bool {
    Arc::strong_count(world) == 1 && Handle::current().metrics().num_alive_tasks() == 0
}

#[tokio::test(start_paused = true)]
async fn ends_with_its_last_handle() {
    let world = World::new(&[("a", Good)]);
    let (balancer, driver) = world.settle(config()).await;
    let other = balancer.clone();
    drop(balancer);
    assert!(other.invoice(&request()).await.is_ok());
    drop(other);
    timeout(SECOND, driver).await.unwrap().unwrap();
    until(|| nothing_is_left(&world)).await;
    let before = world.checks.load(Ordering::Relaxed);
    sleep(10 * SECOND).await;
    assert_eq!(world.checks.load(Ordering::Relaxed), before);
}

#[tokio::test(start_paused = true)]
async fn ends_all_with_its_driver_though_handles_are_left() {
    let world = World::new(&[("a", Good)]);
    let (balancer, driver) = world.settle(config()).await;
    driver.abort();
    assert!(driver.await.unwrap_err().is_cancelled());
    assert_eq!(balancer.invoice(&request()).await, Err(NoInvoice::Closed));
    until(|| nothing_is_left(&world)).await;
}

#[tokio::test(start_paused = true)]
async fn ends_calls_that_outlived_their_request_with_its_last_handle() {
    let world = World::new(&[("a", Good), ("b", Good)]);
    let (balancer, driver) = world.settle(config()).await;
    world.script("a", FailingCalls);
    for _ in 0..10 {
        balancer.invoice(&request()).await.unwrap();
    }
    until(|| balancer.readiness().partitions[0].ready == 1).await;

    // A request probes the node that was put aside, and is answered by the other.
    world.script("a", HangingCalls);
    sleep(SECOND).await;
    world.calls();
    let probed = async {
        while !world.calls().contains(&"a".to_owned()) {
            balancer.invoice(&request()).await.unwrap();
        }
    };
    timeout(10 * SECOND, probed).await.unwrap();
    assert_eq!(world.dropped.load(Ordering::Relaxed), 0, "it goes on");
    drop(balancer);
    timeout(SECOND, driver).await.unwrap().unwrap();
    until(|| nothing_is_left(&world)).await;
    assert_eq!(world.dropped.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn goes_on_beside_a_node_of_which_no_client_can_be_made() {
    let world = World::new(&[("a", Good)]);
    let (balancer, _driver) = world.settle(config()).await;
    world.change(|backends| backends.push(backend(BROKEN)));
    until(|| balancer.panics() == 1).await;
    until(|| balancer.readiness().partitions[0].total == 2).await;
    until(|| balancer.readiness().settled).await;
    assert_eq!(balancer.readiness().partitions[0].ready, 1);
    assert!(balancer.invoice(&request()).await.is_ok());

    world.script("b", Good);
    world.change(|backends| backends[1] = backend("b"));
    until(|| balancer.readiness().partitions[0].ready == 2).await;
    assert_eq!(balancer.panics(), 1);
}
