//! Whether each node gets its share.

use std::{collections::BTreeMap, io};

use switchgear_benches::{
    fleet::{CHECKED, partition},
    keys::key,
    limits::Limits,
};
use switchgear_core::balance::{AffinityKey, Fleet, NodeId, Pick};

use crate::fixture::{AMOUNT, Named, Weights, members, strategies};

/// Requests that shares are counted over.
const REQUESTS: u64 = 2_000_000;
/// How many standard deviations chance alone explains: the worst of 100 nodes is beyond them once in
/// 150 runs.
const DEVIATIONS: f64 = 4.0;

/// Shares of 100 nodes against their weights.
pub(crate) fn fairness(limits: &mut Limits) -> io::Result<()> {
    let weights = [
        (Weights::Equal, "equal weights"),
        (Weights::Mixed, "mixed weights"),
    ];
    for (weights, described) in weights {
        for strategy in strategies() {
            let name = format!("shares: {}, 100, {described}", strategy.name);
            match strategy.name {
                "round robin" => limits.figure(&name, "requests off", 1.0, || {
                    let worst = worst(&strategy, weights, |got, ideal| (got - ideal).abs());
                    worst.unwrap_or(f64::NAN)
                })?,
                // Its shares are the answers' doing, and nobody answers here.
                "adaptive" => {}
                _ => limits.figure(&name, "% off beyond chance", 2.0, || {
                    let beyond = |got: f64, ideal: f64| {
                        let chance = DEVIATIONS * ideal.sqrt();
                        ((got - ideal).abs() - chance).max(0.0) / ideal * 100.0
                    };
                    worst(&strategy, weights, beyond).unwrap_or(f64::NAN)
                })?,
            }
        }
    }
    Ok(())
}

/// The largest error of a node's count of requests, by `error` of what it got and what it should have.
fn worst(strategy: &Named, weights: Weights, error: impl Fn(f64, f64) -> f64) -> Option<f64> {
    let fleet = strategy.fleet(100, weights);
    let counts = counts(strategy, &fleet);
    let backends = members(100, weights);
    let total: f64 = backends
        .iter()
        .map(|backend| f64::from(backend.weight.get()))
        .sum();
    let errors = counts.iter().filter_map(|(node, got)| {
        let weight = f64::from(fleet.backend(*node)?.weight.get());
        Some(error(*got as f64, REQUESTS as f64 * weight / total))
    });
    let errors: Vec<f64> = errors.collect();
    // A node that got nothing is in no count.
    (errors.len() == backends.len()).then(|| errors.into_iter().fold(0.0, f64::max))
}

fn counts(strategy: &Named, fleet: &Fleet) -> BTreeMap<NodeId, u64> {
    let view = fleet.view();
    let number = view.number(&partition(0)).expect("it is served");
    let picker = view.picker(number).expect("the number is the view's own");
    let mut counts = BTreeMap::new();
    for request in 0..REQUESTS {
        let pick = Pick {
            now: CHECKED,
            amount: AMOUNT,
            key: strategy.keyed.then(|| AffinityKey::of(&key(request))),
        };
        if let Some(node) = picker.candidates(&pick, &mut rand::rng()).next() {
            *counts.entry(node.id()).or_default() += 1;
        }
    }
    counts
}
