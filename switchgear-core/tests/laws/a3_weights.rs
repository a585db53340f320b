//! Every weight is a weight: 0 takes nothing and stays listed, and nothing panics.

use std::{collections::BTreeSet, sync::Arc};

use switchgear_core::{
    Millisatoshi,
    backend::Backend,
    balance::{CapacityBias, Check, DispatchRequest, RoundRobin},
    ln::NoInvoice,
};

use crate::common::{
    Traffic, World, backend, backends, config, key, one_round, partition, strategies,
};

/// A fleet that serves partition `a` for each strategy, with and without a capacity bias.
fn worlds(backends: &[Backend]) -> impl Iterator<Item = (String, World)> {
    let biases = [None, Some(0.0), Some(-0.2)];
    let kinds = strategies().into_iter().flat_map(move |(name, strategy)| {
        biases.map(|bias| {
            (
                format!("{name}, bias {bias:?}"),
                Arc::clone(&strategy),
                bias,
            )
        })
    });
    kinds.map(move |(name, strategy, bias)| {
        let mut config = config(&["a"], strategy);
        config.capacity_bias = bias.map(|bias| CapacityBias::try_new(bias).unwrap());
        (name, World::healthy(config, backends.to_vec()))
    })
}

/// What one request of partition `a` ends with, and how many calls it made of nodes that all fail.
fn ask(world: &mut World) -> (Result<(), NoInvoice>, usize) {
    let partition = world.view.number(&partition("a")).unwrap();
    let amount = Millisatoshi::from_sat(1);
    let request = DispatchRequest {
        partition,
        amount,
        key: None,
    };
    let mut traffic = Traffic::new(world, one_round());
    traffic.arrive(request, &mut |_, _| panic!("nobody is to be asked"));
    (traffic.results[0], traffic.calls.len())
}

#[test]
fn a3_a_weight_of_zero_takes_nothing_and_stays_listed() {
    for (name, mut world) in worlds(&backends(&[0, 1, 65_535])) {
        let [drained, light, heavy] = [0, 1, 2].map(|number| world.id(number));
        for number in 0..3 {
            world.read(number, Millisatoshi::from_sat(50 * number as u64));
        }
        world.publish();
        let mut light_ones = 0;
        for turn in 0..200_000 {
            let comment = (turn % 2 == 0).then(|| key(turn));
            let amount = Millisatoshi::from_sat(turn % 150);
            let pick = world.pick(amount, comment);
            let first = world.first("a", &pick).unwrap();
            assert_ne!(first, drained, "{name}");
            light_ones += u32::from(first == light);
            if turn % 64 == 0 {
                let all: BTreeSet<_> = world.candidates("a", &pick).into_iter().collect();
                assert_eq!(all, BTreeSet::from([light, heavy]), "{name}");
            }
        }
        assert!(
            light_ones < 20,
            "{name}: {light_ones} of 200,000 for a weight of 1 in 65,536"
        );
        let readiness = world.view.readiness();
        let readiness = readiness.partition(&partition("a")).unwrap();
        assert_eq!((readiness.ready, readiness.total), (2, 3), "{name}");
    }
}

#[test]
fn a3_round_robin_gives_a_weight_of_one_its_one_turn_in_65536() {
    let config = config(&["a"], Arc::new(RoundRobin));
    let mut world = World::healthy(config, backends(&[0, 1, 65_535]));
    let light = world.id(1);
    let pick = world.pick(Millisatoshi::ZERO, None);
    let firsts = (0..2 * 65_536).filter(|_| world.first("a", &pick) == Some(light));
    assert_eq!(firsts.count(), 2);
}

#[test]
fn a3_a_partition_that_drains_altogether_has_no_node() {
    for (name, mut world) in worlds(&backends(&[0, 0, 0])) {
        let pick = world.pick(Millisatoshi::ZERO, Some(key(1)));
        assert_eq!(world.candidates("a", &pick), [], "{name}");
        assert_eq!(ask(&mut world), (Err(NoInvoice::NoNode), 0), "{name}");
        let readiness = world.view.readiness();
        let readiness = readiness.partition(&partition("a")).unwrap();
        assert_eq!((readiness.ready, readiness.total), (0, 3), "{name}");
    }
}

#[test]
fn a3_a_partition_or_a_fleet_without_nodes_has_no_node() {
    let elsewhere = [backend(0, 1, &["b"])];
    for listed in [&elsewhere[..], &[]] {
        for (name, mut world) in worlds(listed) {
            assert_eq!(ask(&mut world), (Err(NoInvoice::NoNode), 0), "{name}");
            assert!(
                world.fleet.is_empty(),
                "{name}: a node of no partition that is served"
            );
            assert_eq!(world.view.number(&partition("b")), None, "{name}");
        }
    }
}

#[test]
fn a3_weights_that_come_and_go_never_panic() {
    for (name, mut world) in worlds(&backends(&[1])) {
        for weights in [
            &[0][..],
            &[65_535],
            &[],
            &[65_535, 65_535, 65_535],
            &[0, 65_535, 1, 0],
            &[1; 300],
            &[65_535; 300],
            &[0; 300],
        ] {
            world.list(backends(weights));
            for number in (0..weights.len()).step_by(2) {
                world.read(number, Millisatoshi::new(u64::MAX));
            }
            if let Some(last) = weights.len().checked_sub(1) {
                world.check(last, Check::Bad);
                world.check(last, Check::Good { inbound: None });
            }
            world.publish();
            let ready = weights.iter().filter(|weight| **weight > 0).count();
            for amount in [0, 1, u64::MAX] {
                let pick = world.pick(Millisatoshi::new(amount), Some(key(amount)));
                let named: BTreeSet<_> = world.candidates("a", &pick).into_iter().collect();
                assert_eq!(named.len(), ready, "{name}, weights {weights:?}");
            }
        }
    }
}
