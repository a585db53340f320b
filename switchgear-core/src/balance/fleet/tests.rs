use std::time::Duration;

use super::*;
use crate::{
    Millisatoshi,
    backend::BackendPatch,
    balance::{
        CapacityBias,
        fixture::{backend, config, flush, make_healthy, partition, picker},
    },
};

fn patched(backend: &Backend, patch: &str) -> Backend {
    let mut backend = backend.clone();
    serde_json::from_str::<BackendPatch>(patch)
        .unwrap()
        .apply(&mut backend);
    backend
}

fn fleet(partitions: &[&str]) -> Fleet {
    Fleet::new(config(partitions))
}

/// The names of the ready nodes of partition `a`, with all changes published.
fn ready(fleet: &mut Fleet) -> Vec<String> {
    flush(fleet, at(100));
    let name = |node: &Arc<Node>| fleet.backend(node.id()).unwrap().name.clone();
    let picker = picker(fleet, "a");
    let names = picker.ready().iter().map(name);
    names.map(|name| name.unwrap().to_string()).collect()
}

/// A fleet of healthy nodes in partition `a`.
fn healthy(names: &[&str]) -> (Fleet, Vec<NodeId>) {
    let mut fleet = fleet(&["a"]);
    let backends = names.iter().map(|name| backend(name, &["a"])).collect();
    let ids = make_healthy(&mut fleet, backends);
    (fleet, ids)
}

/// The first ready node of partition `a`.
fn first(fleet: &Fleet) -> Arc<Node> {
    Arc::clone(&picker(fleet, "a").ready()[0])
}

const GOOD: Check = Check::Good { inbound: None };

fn at(secs: u64) -> Moment {
    Moment::after_origin(Duration::from_secs(secs))
}

#[test]
fn is_settled_once_discovery_is_read_and_every_node_checked() {
    let mut fleet = fleet(&["a"]);
    assert!(!fleet.view().readiness().settled);
    let update = fleet.update(vec![backend("x", &["a"])], Moment::ORIGIN);
    flush(&mut fleet, Moment::ORIGIN);
    assert!(!fleet.view().readiness().settled);
    fleet.checked(update.started[0].id, Check::Bad, Moment::ORIGIN);
    assert!(!fleet.view().readiness().settled, "nobody was told yet");
    flush(&mut fleet, Moment::ORIGIN);
    let readiness = fleet.view().readiness();
    assert!(readiness.settled && !readiness.is_ready());
    assert_eq!(readiness.partitions[0].total, 1);
}

#[test]
fn is_settled_by_an_empty_snapshot() {
    let mut fleet = fleet(&["a"]);
    fleet.update(Vec::new(), Moment::ORIGIN);
    fleet.publish(Moment::ORIGIN);
    assert!(fleet.view().readiness().settled);
}

#[test]
fn ignores_nodes_of_partitions_that_it_does_not_serve() {
    let mut fleet = fleet(&["a"]);
    let update = fleet.update(vec![backend("x", &["b"])], Moment::ORIGIN);
    assert_eq!(update, FleetUpdate::default());
    assert_eq!(fleet.view().number(&partition("b")), None);
}

#[test]
fn keeps_what_did_not_change() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    let before = picker(&fleet, "a");
    let same = vec![backend("x", &["a"]), backend("y", &["a"])];
    assert_eq!(fleet.update(same, at(1)), FleetUpdate::default());
    assert_eq!(fleet.publish(at(1)), None);
    assert!(Arc::ptr_eq(&before, &picker(&fleet, "a")));

    let renamed = patched(&backend("x", &["a"]), r#"{"name": "z", "weight": 9}"#);
    let update = fleet.update(vec![renamed, backend("y", &["a"])], at(2));
    assert_eq!(update.redescribed[0].id, ids[0]);
    assert!(update.started.is_empty() && update.reconnected.is_empty());
    assert_eq!(fleet.health(ids[0]).unwrap().state(), HealthState::Healthy);
    assert_eq!(ready(&mut fleet), ["z", "y"]);
}

#[test]
fn touches_only_the_partitions_of_the_nodes_concerned() {
    let mut fleet = fleet(&["a", "b"]);
    let update = fleet.update(
        vec![backend("x", &["a"]), backend("y", &["b"])],
        Moment::ORIGIN,
    );
    flush(&mut fleet, Moment::ORIGIN);
    let before = [picker(&fleet, "a"), picker(&fleet, "b")];
    fleet.checked(update.started[0].id, GOOD, at(1));
    fleet.publish(at(1));
    assert!(!Arc::ptr_eq(&before[0], &picker(&fleet, "a")));
    assert!(Arc::ptr_eq(&before[1], &picker(&fleet, "b")));
}

#[test]
fn tells_who_starts_stops_and_reconnects() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    let x = backend("x", &["a"]);
    let mut moved = backend("y", &["a"]);
    moved.implementation = backend("elsewhere", &["a"]).implementation;
    let update = fleet.update(vec![patched(&x, r#"{"enabled": false}"#), moved], at(1));
    assert_eq!(update.stopped, [ids[0]]);
    assert_eq!(update.reconnected[0].id, ids[1]);
    assert_eq!(ready(&mut fleet), ["y"]);

    let update = fleet.update(vec![x], at(2));
    assert_eq!(
        update.started[0].id, ids[0],
        "an enabled node is started anew"
    );
    assert_eq!(update.stopped, [ids[1]]);
    assert_eq!(fleet.health(ids[0]).unwrap().state(), HealthState::Unknown);
}

#[test]
fn closes_a_node_at_once_when_it_is_removed_disabled_or_drained() {
    for patch in ["", r#"{"enabled": false}"#, r#"{"weight": 0}"#] {
        let (mut fleet, _) = healthy(&["x", "y"]);
        let x = first(&fleet);
        assert!(x.is_open());
        let mut backends = vec![backend("y", &["a"])];
        if !patch.is_empty() {
            backends.push(patched(&backend("x", &["a"]), patch));
        }
        fleet.update(backends, at(1));
        assert!(!x.is_open(), "{patch}");
        assert_eq!(ready(&mut fleet), ["y"]);
    }
}

#[test]
fn ejects_after_failures_and_readmits_after_a_success() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    let x = first(&fleet);
    assert_eq!((x.failed(), x.failed()), (None, None));
    let report = x.failed().unwrap();
    assert_eq!(fleet.reported(report, at(1)), Some(HealthChange::Ejected));
    assert_eq!(ready(&mut fleet), ["y"]);
    assert!(!x.is_probe_due(at(1)) && x.is_probe_due(at(2)));

    assert_eq!(
        fleet.checked(ids[0], GOOD, at(2)),
        None,
        "a check does not end it"
    );
    assert_eq!(ready(&mut fleet), ["y"]);

    let report = x.succeeded().unwrap();
    assert_eq!(
        fleet.reported(report, at(3)),
        Some(HealthChange::Readmitted)
    );
    assert_eq!(ready(&mut fleet), ["x", "y"]);
    assert_eq!(x.succeeded(), None, "what goes on well is no news");
}

#[test]
fn counts_failures_in_a_row_only() {
    let (fleet, _) = healthy(&["x", "y"]);
    let x = first(&fleet);
    for _ in 0..10 {
        assert_eq!((x.failed(), x.failed(), x.succeeded()), (None, None, None));
    }
}

#[test]
fn never_ejects_the_last_ready_node_of_a_partition() {
    for size in [1, 2, 3, 5, 50, 500] {
        let names: Vec<_> = (0..size).map(|n| format!("n{n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let (mut fleet, ids) = healthy(&names);
        for round in 0..3 {
            for id in &ids {
                fleet.reported(Report::Failing(*id), at(round));
            }
        }
        assert_eq!(ready(&mut fleet).len(), 1, "of {size}");
        let last = first(&fleet).id();
        assert_eq!(
            fleet.checked(last, Check::Bad, at(9)),
            Some(HealthChange::Unhealthy)
        );
        assert!(
            ready(&mut fleet).is_empty(),
            "active checks may still take it out"
        );
    }
}

#[test]
fn leaves_active_health_to_the_checks() {
    let mut fleet = fleet(&["a"]);
    let update = fleet.update(vec![backend("x", &["a"])], Moment::ORIGIN);
    let id = update.started[0].id;
    fleet.checked(id, Check::Bad, at(1));
    assert_eq!(fleet.reported(Report::Answering(id), at(2)), None);
    assert_eq!(fleet.health(id).unwrap().state(), HealthState::Unhealthy);
}

#[test]
fn stays_settled_when_a_node_is_registered_later() {
    let (mut fleet, _) = healthy(&["x"]);
    fleet.update(vec![backend("x", &["a"]), backend("y", &["a"])], at(1));
    fleet.publish(at(1));
    let readiness = fleet.view().readiness();
    assert!(readiness.is_ready());
    assert_eq!(readiness.partitions[0].ready, 1);
}

#[test]
fn prolongs_an_ejection_by_failed_trials_only() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    let x = first(&fleet);
    for _ in 0..50 {
        fleet.reported(Report::Failing(ids[0]), at(1));
    }
    assert!(x.is_probe_due(at(2)), "one ejection, one second");
    fleet.reported(Report::TrialFailed(ids[0]), at(2));
    assert!(!x.is_probe_due(at(3)) && x.is_probe_due(at(4)));
    fleet.reported(Report::TrialFailed(ids[1]), at(2));
    assert_eq!(ready(&mut fleet), ["y"], "nobody tried y");
}

#[test]
fn takes_a_feed_that_lists_an_address_twice_at_its_first_word() {
    let mut fleet = fleet(&["a"]);
    let twice = vec![backend("x", &["a"]), backend("x", &["a"])];
    assert_eq!(fleet.update(twice, at(1)).started.len(), 1);
    let other = patched(&backend("x", &["a"]), r#"{"weight": 9}"#);
    let update = fleet.update(vec![other.clone(), backend("x", &["a"])], at(1));
    assert_eq!(update.redescribed.len(), 1);
    assert_eq!(
        fleet.update(vec![other, backend("x", &["a"])], at(1)),
        FleetUpdate::default()
    );
    fleet.update(Vec::new(), at(2));
    assert!(fleet.is_empty());
    fleet.publish(at(2));
    assert_eq!(fleet.view().readiness().partitions[0].total, 0);
}

#[test]
fn makes_one_publication_of_many_changes() {
    let (mut fleet, ids) = healthy(&["x", "y", "z"]);
    let millis = |millis| at(1) + Duration::from_millis(millis);
    fleet.checked(ids[0], Check::Bad, millis(0));
    assert_eq!(fleet.publish(millis(0)), None);
    let before = picker(&fleet, "a");
    fleet.checked(ids[1], Check::Bad, millis(10));
    assert_eq!(fleet.publish(millis(10)), Some(millis(50)));
    fleet.checked(ids[2], Check::Bad, millis(49));
    assert_eq!(fleet.publish(millis(49)), Some(millis(50)));
    assert!(Arc::ptr_eq(&before, &picker(&fleet, "a")));
    assert_eq!(fleet.publish(millis(50)), None);
    assert_eq!(picker(&fleet, "a").ready().len(), 0);
}

#[test]
fn is_not_held_up_by_a_clock_that_went_back() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    fleet.checked(ids[0], Check::Bad, at(10));
    fleet.publish(at(10));
    fleet.checked(ids[1], Check::Bad, at(5));
    assert_eq!(fleet.publish(at(5)), None);
    assert!(picker(&fleet, "a").ready().is_empty());
}

#[test]
fn publishes_at_once_that_a_node_has_left_a_partition() {
    let mut fleet = fleet(&["a", "b"]);
    make_healthy(&mut fleet, vec![backend("x", &["a", "b"])]);
    fleet.update(vec![backend("x", &["b"])], Moment::ORIGIN);
    fleet.publish(Moment::ORIGIN);
    assert_eq!(picker(&fleet, "a").total(), 0);
    assert_eq!(picker(&fleet, "b").ready().len(), 1);
}

#[test]
fn keeps_the_state_that_an_administrator_gave_apart_from_health() {
    let (mut fleet, ids) = healthy(&["x"]);
    let x = backend("x", &["a"]);
    let state = |fleet: &Fleet| fleet.state(ids[0]).unwrap();
    assert_eq!(state(&fleet), NodeState::Healthy);
    fleet.update(vec![patched(&x, r#"{"weight": 0}"#)], at(1));
    assert_eq!(state(&fleet), NodeState::Draining);
    fleet.checked(ids[0], Check::Bad, at(2));
    fleet.update(vec![x.clone()], at(3));
    assert_eq!(state(&fleet), NodeState::Unhealthy, "its past is kept");
    fleet.update(vec![patched(&x, r#"{"enabled": false}"#)], at(4));
    assert_eq!(state(&fleet), NodeState::Disabled);
    fleet.update(vec![x], at(5));
    assert_eq!(state(&fleet), NodeState::Unknown, "it begins anew");
}

#[test]
fn publishes_readings_that_change_something_or_grow_old() {
    let mut with_bias = config(&["a"]);
    with_bias.capacity_bias = Some(CapacityBias::try_new(0.0).unwrap());
    let mut fleet = Fleet::new(with_bias);
    let ids = make_healthy(&mut fleet, vec![backend("x", &["a"])]);
    let mut read = |inbound, millis| {
        let now = at(1) + Duration::from_millis(millis);
        let before = picker(&fleet, "a");
        let inbound = Some(Millisatoshi::new(inbound));
        fleet.checked(ids[0], Check::Good { inbound }, now);
        fleet.publish(now);
        !Arc::ptr_eq(&before, &picker(&fleet, "a"))
    };
    assert!(read(5, 0));
    assert!(!read(5, 100), "nothing new");
    assert!(read(6, 200));
    assert!(!read(6, 1_100));
    assert!(read(6, 1_200), "the published reading was a period old");
}

#[test]
fn knows_what_did_not_change_in_whatever_order_it_is_told() {
    let (mut fleet, ids) = healthy(&["x", "y", "z"]);
    let told = |names: &[&str]| {
        names
            .iter()
            .map(|name| backend(name, &["a"]))
            .collect::<Vec<_>>()
    };
    for order in [["z", "y", "x"], ["y", "z", "x"], ["x", "z", "y"]] {
        assert_eq!(fleet.update(told(&order), at(1)), FleetUpdate::default());
    }
    let update = fleet.update(told(&["x", "new", "z"]), at(2));
    assert_eq!((update.started.len(), update.stopped), (1, vec![ids[1]]));
    let update = fleet.update(told(&["new", "z"]), at(3));
    assert_eq!((update.started.len(), update.stopped), (0, vec![ids[0]]));
}
