use std::time::Duration;

use super::*;
use crate::backend::BackendPatch;

fn partition(name: &str) -> Partition {
    Partition::try_new(name).unwrap()
}

fn backend(name: &str, partitions: &[&str]) -> Backend {
    serde_json::from_value(serde_json::json!({
        "address": {"url": format!("https://{name}.example.com")},
        "name": name,
        "partitions": partitions,
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": format!("https://{name}.example.com:10009"),
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/m"},
            "ampInvoice": false
        }
    }))
    .unwrap()
}

fn patched(backend: &Backend, patch: &str) -> Backend {
    let mut backend = backend.clone();
    serde_json::from_str::<BackendPatch>(patch)
        .unwrap()
        .apply(&mut backend);
    backend
}

fn fleet(partitions: &[&str]) -> Fleet {
    let thresholds = HealthThresholds::default();
    Fleet::new(FleetConfig {
        partitions: partitions.iter().map(|name| partition(name)).collect(),
        thresholds,
        ejection: EjectionPolicy::from_thresholds(thresholds),
        first_turn: 0,
    })
}

/// The names of the ready nodes of partition `a`.
fn ready(fleet: &Fleet) -> Vec<String> {
    let view = fleet.view().load_full();
    let nodes = view.partition(&partition("a")).unwrap().ready().to_vec();
    let name = |node: &Arc<Node>| fleet.backend(node.id()).unwrap().name.clone();
    nodes
        .iter()
        .map(|node| name(node).unwrap().to_string())
        .collect()
}

/// A fleet of healthy nodes in partition `a`.
fn healthy(names: &[&str]) -> (Fleet, Vec<NodeId>) {
    let mut fleet = fleet(&["a"]);
    let backends = names.iter().map(|name| backend(name, &["a"])).collect();
    let update = fleet.update(backends, Moment::ORIGIN);
    let ids: Vec<_> = update.started.iter().map(|node| node.id).collect();
    for id in &ids {
        assert_eq!(
            fleet.checked(*id, true, Moment::ORIGIN),
            Some(HealthChange::Healthy)
        );
    }
    (fleet, ids)
}

fn at(secs: u64) -> Moment {
    Moment::after_origin(Duration::from_secs(secs))
}

#[test]
fn is_settled_once_discovery_is_read_and_every_node_checked() {
    let mut fleet = fleet(&["a"]);
    assert!(!fleet.view().load().readiness().settled);
    let update = fleet.update(vec![backend("x", &["a"])], Moment::ORIGIN);
    assert!(!fleet.view().load().readiness().settled);
    fleet.checked(update.started[0].id, false, Moment::ORIGIN);
    let readiness = fleet.view().load().readiness();
    assert!(readiness.settled && !readiness.is_ready());
    assert_eq!(readiness.partitions[0].total, 1);
}

#[test]
fn is_settled_by_an_empty_snapshot() {
    let mut fleet = fleet(&["a"]);
    fleet.update(Vec::new(), Moment::ORIGIN);
    assert!(fleet.view().load().readiness().settled);
}

#[test]
fn ignores_nodes_of_partitions_that_it_does_not_serve() {
    let mut fleet = fleet(&["a"]);
    let update = fleet.update(vec![backend("x", &["b"])], Moment::ORIGIN);
    assert_eq!(update, FleetUpdate::default());
    assert!(fleet.view().load().partition(&partition("b")).is_none());
}

#[test]
fn keeps_what_did_not_change() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    let before = fleet.view().load_full();
    let same = vec![backend("x", &["a"]), backend("y", &["a"])];
    assert_eq!(fleet.update(same, at(1)), FleetUpdate::default());
    let after = fleet.view().load_full();
    let name = partition("a");
    assert!(Arc::ptr_eq(
        before.partition(&name).unwrap(),
        after.partition(&name).unwrap()
    ));

    let renamed = patched(&backend("x", &["a"]), r#"{"name": "z", "weight": 9}"#);
    let update = fleet.update(vec![renamed, backend("y", &["a"])], at(2));
    assert_eq!(update.redescribed[0].id, ids[0]);
    assert!(update.started.is_empty() && update.reconnected.is_empty());
    assert_eq!(fleet.health(ids[0]).unwrap().state(), HealthState::Healthy);
    assert_eq!(ready(&fleet), ["z", "y"]);
}

#[test]
fn touches_only_the_partitions_of_the_nodes_concerned() {
    let mut fleet = fleet(&["a", "b"]);
    let update = fleet.update(
        vec![backend("x", &["a"]), backend("y", &["b"])],
        Moment::ORIGIN,
    );
    let before = fleet.view().load_full();
    fleet.checked(update.started[0].id, true, Moment::ORIGIN);
    let after = fleet.view().load_full();
    let same = |name| {
        Arc::ptr_eq(
            before.partition(&name).unwrap(),
            after.partition(&name).unwrap(),
        )
    };
    assert!(same(partition("b")) && !same(partition("a")));
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
    assert_eq!(ready(&fleet), ["y"]);

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
        let before = fleet.view().load_full();
        let x = before.partition(&partition("a")).unwrap().ready()[0].clone();
        assert!(x.is_open());
        let mut backends = vec![backend("y", &["a"])];
        if !patch.is_empty() {
            backends.push(patched(&backend("x", &["a"]), patch));
        }
        fleet.update(backends, at(1));
        assert!(!x.is_open(), "{patch}");
        assert_eq!(ready(&fleet), ["y"]);
    }
}

#[test]
fn ejects_after_failures_and_readmits_after_a_success() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    let view = fleet.view().load_full();
    let x = view.partition(&partition("a")).unwrap().ready()[0].clone();
    assert_eq!((x.failed(), x.failed()), (None, None));
    let report = x.failed().unwrap();
    assert_eq!(fleet.reported(report, at(1)), Some(HealthChange::Ejected));
    assert_eq!(ready(&fleet), ["y"]);
    assert!(!x.is_probe_due(at(1)) && x.is_probe_due(at(2)));

    assert_eq!(
        fleet.checked(ids[0], true, at(2)),
        None,
        "a check does not end it"
    );
    assert_eq!(ready(&fleet), ["y"]);

    let report = x.succeeded().unwrap();
    assert_eq!(
        fleet.reported(report, at(3)),
        Some(HealthChange::Readmitted)
    );
    assert_eq!(ready(&fleet), ["x", "y"]);
    assert_eq!(x.succeeded(), None, "what goes on well is no news");
}

#[test]
fn counts_failures_in_a_row_only() {
    let (fleet, _) = healthy(&["x", "y"]);
    let view = fleet.view().load_full();
    let x = view.partition(&partition("a")).unwrap().ready()[0].clone();
    for _ in 0..10 {
        assert_eq!((x.failed(), x.failed(), x.succeeded()), (None, None, None));
    }
}

#[test]
fn a4_never_ejects_the_last_ready_node_of_a_partition() {
    for size in [1, 2, 3, 5, 50, 500] {
        let names: Vec<_> = (0..size).map(|n| format!("n{n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let (mut fleet, ids) = healthy(&names);
        for round in 0..3 {
            for id in &ids {
                fleet.reported(Report::Failing(*id), at(round));
            }
        }
        assert_eq!(ready(&fleet).len(), 1, "of {size}");
        let last = fleet
            .view()
            .load()
            .partition(&partition("a"))
            .unwrap()
            .ready()[0]
            .id();
        assert_eq!(
            fleet.checked(last, false, at(9)),
            Some(HealthChange::Unhealthy)
        );
        assert!(
            ready(&fleet).is_empty(),
            "active checks may still take it out"
        );
    }
}

#[test]
fn leaves_active_health_to_the_checks() {
    let mut fleet = fleet(&["a"]);
    let update = fleet.update(vec![backend("x", &["a"])], Moment::ORIGIN);
    let id = update.started[0].id;
    fleet.checked(id, false, at(1));
    assert_eq!(fleet.reported(Report::Answering(id), at(2)), None);
    assert_eq!(fleet.health(id).unwrap().state(), HealthState::Unhealthy);
}

#[test]
fn stays_settled_when_a_node_is_registered_later() {
    let (mut fleet, _) = healthy(&["x"]);
    fleet.update(vec![backend("x", &["a"]), backend("y", &["a"])], at(1));
    let readiness = fleet.view().load().readiness();
    assert!(readiness.is_ready());
    assert_eq!(readiness.partitions[0].ready, 1);
}

#[test]
fn prolongs_an_ejection_by_failed_trials_only() {
    let (mut fleet, ids) = healthy(&["x", "y"]);
    let view = fleet.view().load_full();
    let x = view.partition(&partition("a")).unwrap().ready()[0].clone();
    for _ in 0..50 {
        fleet.reported(Report::Failing(ids[0]), at(1));
    }
    assert!(x.is_probe_due(at(2)), "one ejection, one second");
    fleet.reported(Report::TrialFailed(ids[0]), at(2));
    assert!(!x.is_probe_due(at(3)) && x.is_probe_due(at(4)));
    fleet.reported(Report::TrialFailed(ids[1]), at(2));
    assert_eq!(ready(&fleet), ["y"], "nobody tried y");
}

#[test]
fn takes_a_feed_that_lists_an_address_twice_at_its_first_word() {
    let mut fleet = fleet(&["a"]);
    let twice = vec![backend("x", &["a"]), backend("x", &["a"])];
    assert_eq!(fleet.update(twice, at(1)).started.len(), 1);
    fleet.update(Vec::new(), at(2));
    assert_eq!(fleet.view().load().readiness().partitions[0].total, 0);
}
