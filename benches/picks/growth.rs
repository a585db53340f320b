//! What the size of a fleet, its health and its capacity do to the cost of a pick.

use std::io;

use switchgear_benches::{
    cases::{Cases, NOISE},
    pairs::{Pair, Side, Target},
};

use crate::fixture::{Named, Weights, strategies};

/// The same picks twice.
pub(crate) fn noise(cases: &mut Cases) -> io::Result<()> {
    for strategy in strategies() {
        let name = format!("noise: {} twice, 1000", strategy.name);
        cases.pair(&name, NOISE, || {
            Pair::twice(strategy.picks(&strategy.fleet(1_000, Weights::Equal)))
        })?;
    }
    Ok(())
}

/// Large fleets against small ones.
pub(crate) fn size(cases: &mut Cases) -> io::Result<()> {
    let weights = [(Weights::Equal, "equal"), (Weights::Mixed, "mixed")];
    for (weights, described) in weights {
        for strategy in strategies() {
            let bound = if strategy.name == "consistent" {
                8.0
            } else {
                3.0
            };
            let targets = [(10_000, Target::AtMost(bound)), (100_000, Target::Reported)];
            for (nodes, target) in targets {
                let name = format!("{}, {described} weights, {nodes} : 10", strategy.name);
                cases.pair(&name, target, || {
                    let side = |nodes| side(&strategy, nodes, weights);
                    Pair::new(side(nodes), side(10))
                })?;
            }
        }
    }
    Ok(())
}

fn side(strategy: &Named, nodes: usize, weights: Weights) -> Side<'static> {
    Side::new(strategy.picks(&strategy.fleet(nodes, weights)))
}

/// Nine nodes of ten unhealthy against all healthy.
pub(crate) fn health(cases: &mut Cases) -> io::Result<()> {
    for strategy in strategies() {
        let name = format!("{}, 10000, 90% unhealthy : none", strategy.name);
        cases.pair(&name, Target::AtMost(2.0), || {
            let unhealthy = Side::new(strategy.picks(&strategy.mostly_unhealthy(10_000)));
            Pair::new(unhealthy, side(&strategy, 10_000, Weights::Equal))
        })?;
    }
    Ok(())
}

/// With a capacity bias against without.
pub(crate) fn capacity(cases: &mut Cases) -> io::Result<()> {
    let without = |strategy: &Named| side(strategy, 10_000, Weights::Equal);
    for strategy in strategies() {
        let name = format!("{}, 10000, half in range : no bias", strategy.name);
        cases.pair(&name, Target::Reported, || {
            let fleet = strategy.half_in_range(10_000, Weights::Equal);
            Pair::new(Side::new(strategy.picks(&fleet)), without(&strategy))
        })?;
    }
    for strategy in strategies() {
        let name = format!("{}, 10000, nobody in range : no bias", strategy.name);
        cases.pair(&name, Target::AtMost(2.0), || {
            let fleet = strategy.nobody_in_range(10_000, Weights::Equal);
            Pair::new(Side::new(strategy.picks(&fleet)), without(&strategy))
        })?;
    }
    Ok(())
}
