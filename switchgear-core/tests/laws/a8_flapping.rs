//! A node that comes and goes: its state changes no more often than its thresholds allow, and it is put
//! aside for longer and longer.

use std::{sync::Arc, time::Duration};

use switchgear_core::{
    Millisatoshi, Moment,
    balance::{Check, DispatchRequest, HealthChange, NodeId, Outcome, RoundRobin},
    ln::Blame,
};

use crate::common::{
    MS, SECOND, Traffic, World, backends, config, ejection, one_round, partition, thresholds,
};

const FLAP: Duration = Duration::from_millis(500);
const WHOLE: Duration = Duration::from_secs(60);

/// Whether the node is well, which alternates.
fn is_well(begin: Moment, now: Moment) -> bool {
    let flaps = now.since(begin).as_millis() / FLAP.as_millis();
    flaps.is_multiple_of(2)
}

/// When the node's health changed within the minute, and to what.
fn changes(rise: u32, fall: u32, period: Duration) -> Vec<(Moment, HealthChange)> {
    let mut config = config(&["a"], Arc::new(RoundRobin));
    config.thresholds = thresholds(rise, fall);
    let mut world = World::healthy(config, backends(&[1, 1]));
    let begin = world.now;
    let mut changes = Vec::new();
    let mut bad = 0;
    while world.now.since(begin) < WHOLE {
        world.now = world.now + period;
        let well = is_well(begin, world.now);
        bad += u32::from(!well);
        let check = if well {
            Check::Good { inbound: None }
        } else {
            Check::Bad
        };
        let change = world.fleet.checked(world.id(0), check, world.now);
        changes.extend(change.map(|change| (world.now, change)));
    }
    assert!(bad >= 20, "it was unwell at {bad} checks");
    changes
}

#[test]
fn a8_health_changes_at_most_once_in_each_window_of_rise_and_fall() {
    for (rise, fall) in [(1, 1), (2, 3), (3, 3)] {
        for period in [100 * MS, 250 * MS, 500 * MS, 700 * MS] {
            let changes = changes(rise, fall, period);
            for pair in changes.windows(2) {
                let (before, _) = pair[0];
                let (at, change) = pair[1];
                let window = match change {
                    HealthChange::Healthy => rise * period,
                    _ => fall * period,
                };
                assert!(
                    at.since(before) >= window,
                    "{rise}/{fall} every {period:?}: {pair:?}"
                );
            }
            let most = WHOLE.as_nanos() / (period * (rise + fall)).as_nanos() * 2 + 2;
            assert!(
                changes.len() as u128 <= most,
                "{rise}/{fall} every {period:?}"
            );
        }
    }
}

#[test]
fn a8_thresholds_longer_than_the_flapping_hold_still() {
    assert_eq!(changes(2, 3, 500 * MS), [], "never three in a row");
    assert_eq!(changes(2, 3, 250 * MS), [], "two in a row at most");
    assert_eq!(changes(1, 1, 500 * MS).len(), 120, "each check decides");
    assert_eq!(changes(3, 3, 100 * MS).len(), 119, "five in a row suffice");
}

/// How long the flapping node was put aside each time, within two minutes of requests.
fn waits(initial: Duration, max: Duration) -> Vec<Duration> {
    let mut config = config(&["a"], Arc::new(RoundRobin));
    config.ejection = ejection(initial, max);
    let mut world = World::healthy(config, backends(&[1, 1, 1]));
    let flapping = world.id(0);
    let partition = world.view.number(&partition("a")).unwrap();
    let begin = world.now;
    let mut nodes = |node: NodeId, now: Moment| {
        let fails = node == flapping && !is_well(begin, now);
        Some(if fails {
            (MS, Outcome::Failed(Blame::Node))
        } else {
            (20 * MS, Outcome::Invoice)
        })
    };
    let mut traffic = Traffic::new(&mut world, one_round());
    // Not in step with the flapping.
    for request in 0..6_000 {
        traffic.run_until(begin + request * 19 * MS, &mut nodes);
        let request = DispatchRequest {
            partition,
            amount: Millisatoshi::from_sat(1),
            key: None,
        };
        traffic.arrive(request, &mut nodes);
    }
    traffic.run_out(&mut nodes);
    assert!(
        traffic.results.iter().all(Result::is_ok),
        "the others made the invoices"
    );
    let readmitted = traffic
        .changes
        .iter()
        .filter(|change| change.change == Some(HealthChange::Readmitted));
    assert!(readmitted.count() >= 2, "it came and went");
    let aside = traffic
        .changes
        .iter()
        .filter(|change| change.report.node() == flapping);
    let mut until = None;
    let mut waits = Vec::new();
    for change in aside {
        if change.probe_at != until {
            waits.extend(change.probe_at.map(|probe_at| probe_at.since(change.at)));
        }
        until = change.probe_at;
    }
    waits
}

#[test]
fn a8_the_back_off_grows_to_its_cap_and_stays_there() {
    // With a wait of whole seconds every probe would find the node unwell, as it was when put aside.
    let initial = 700 * MS;
    for cap in [4 * SECOND, 16 * SECOND] {
        let waits = waits(initial, cap);
        let doubling = (0..).map(|level| (initial * (1 << level)).min(cap));
        let expected: Vec<_> = doubling.take(waits.len()).collect();
        assert_eq!(waits, expected, "cap of {cap:?}");
        assert!(
            waits.iter().filter(|wait| **wait == cap).count() >= 2,
            "{waits:?}"
        );
    }
}
