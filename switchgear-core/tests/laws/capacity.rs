//! Nodes that can receive the amount come first, whatever the strategy, and nobody is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::{prelude::*, test_runner::RngSeed};
use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi, Moment,
    balance::{self, CapacityBias, Check, FleetConfig, NodeId, RoundRobin},
};

use crate::common::{SECOND, Tally, World, backends, config, key, strategies};

fn biased(strategy: Arc<dyn balance::Strategy>, bias: f64) -> FleetConfig {
    let mut config = config(&["a"], strategy);
    config.capacity_bias = Some(CapacityBias::try_new(bias).unwrap());
    config
}

/// A node of a random fleet.
#[derive(Debug, Clone)]
struct Sketch {
    weight: u16,
    /// What it told to be able to receive, and how many tenths of a second ago.
    reading: Option<(u64, u64)>,
}

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let reading = prop::option::of((0_u64..2_000, 0_u64..60));
    let sketch = (1_u16..20, reading).prop_map(|(weight, reading)| Sketch { weight, reading });
    prop::collection::vec(sketch, 1..40)
}

/// The fleet of these nodes, and which of them are in range of an amount, by the law itself.
struct Sketched {
    world: World,
    sketches: Vec<Sketch>,
    bias: i64,
}

impl Sketched {
    fn new(strategy: Arc<dyn balance::Strategy>, bias: i64, sketches: &[Sketch]) -> Self {
        let weights: Vec<_> = sketches.iter().map(|sketch| sketch.weight).collect();
        let config = biased(strategy, bias as f64 / 1e6);
        let mut world = World::healthy(config, backends(&weights));
        let end = world.now + 10 * SECOND;
        // From the oldest reading to the latest.
        for age in (0..60).rev() {
            world.now = Moment::from_nanos(end.as_nanos() - age * 100_000_000);
            for (number, sketch) in sketches.iter().enumerate() {
                if let Some((inbound, _)) = sketch.reading.filter(|(_, read)| *read == age) {
                    world.read(number, Millisatoshi::new(inbound));
                }
            }
        }
        world.now = end;
        world.fleet.publish(end);
        Self {
            world,
            sketches: sketches.to_vec(),
            bias,
        }
    }

    /// amount ≤ inbound × (1 + bias), by a reading of at most three periods of 1 s.
    fn in_range(&self, amount: u64) -> BTreeSet<NodeId> {
        let numbered = self.sketches.iter().enumerate();
        let fits = |sketch: &Sketch| {
            sketch.reading.is_some_and(|(inbound, age)| {
                let factor = u128::try_from(1_000_000 + self.bias).unwrap();
                let fits = u128::from(amount) * 1_000_000 <= u128::from(inbound) * factor;
                fits && age <= 30
            })
        };
        let fitting = numbered.filter(|(_, sketch)| fits(sketch));
        fitting.map(|(number, _)| self.world.id(number)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn in_range_comes_first_and_each_candidate_once(
        sketches in sketches(),
        bias in -1_000_000_i64..=1_000_000,
        amounts in prop::collection::vec(0_u64..2_500, 1..20),
        seed: u64,
    ) {
        for (name, strategy) in strategies() {
            let mut sketched = Sketched::new(strategy, bias, &sketches);
            sketched.world.rng = StdRng::seed_from_u64(seed);
            for amount in &amounts {
                let in_range = sketched.in_range(*amount);
                let comment = (amount % 2 == 0).then(|| key(*amount));
                let pick = sketched.world.pick(Millisatoshi::new(*amount), comment);
                let named = sketched.world.candidates("a", &pick);
                let different: BTreeSet<_> = named.iter().copied().collect();
                prop_assert_eq!(different.len(), sketches.len(), "{}: all, each once", name);
                prop_assert_eq!(named.len(), sketches.len(), "{}: all, each once", name);
                let first: BTreeSet<_> = named.into_iter().take(in_range.len()).collect();
                prop_assert_eq!(first, in_range, "{}: amount {}", name, amount);
            }
        }
    }
}

#[test]
fn the_edge_is_exact_to_the_millisatoshi() {
    for (name, strategy) in strategies() {
        for (bias, inbound, most) in [
            (0.0, 1_000, 1_000),
            (-0.2, 1_000, 800),
            (-0.2, 1_004, 803),
            (0.1, 1_005, 1_105),
            (-0.000_001, 1_000_000, 999_999),
            (0.3, 2_100_000_000_000_000_003, 2_730_000_000_000_000_003),
        ] {
            let config = biased(Arc::clone(&strategy), bias);
            let mut world = World::healthy(config, backends(&[1, 50, 50]));
            world.read(0, Millisatoshi::new(inbound));
            world.publish();
            let exact = world.id(0);
            let mut first = |amount| {
                let pick = world.pick(Millisatoshi::new(amount), None);
                (0..20)
                    .filter(|_| world.first("a", &pick) == Some(exact))
                    .count()
            };
            assert_eq!(first(most), 20, "{name}, bias {bias}: in range of {most}");
            assert!(
                first(most + 1) < 20,
                "{name}, bias {bias}: not of {}",
                most + 1
            );
        }
    }
}

#[test]
fn a_stale_reading_is_not_in_range() {
    for (name, strategy) in strategies() {
        for period in [1, 5] {
            let mut config = biased(Arc::clone(&strategy), 0.0);
            config.reading_lifetime = FleetConfig::reading_lifetime(period * SECOND);
            let mut world = World::healthy(config, backends(&[100, 1]));
            world.read(0, Millisatoshi::from_sat(100));
            world.now = world.now + SECOND;
            world.read(1, Millisatoshi::from_sat(50));
            world.publish();
            let [stale, fresh] = [0, 1].map(|number| world.id(number));
            let read_at = world.fleet.reading(stale).unwrap().at;
            world.now = read_at + 3 * period * SECOND;
            let mut firsts = |now| {
                let mut pick = world.pick(Millisatoshi::from_sat(10), None);
                pick.now = now;
                let firsts = (0..50).map(|_| world.first("a", &pick).unwrap());
                firsts.collect::<BTreeSet<_>>()
            };
            let last = read_at + 3 * period * SECOND;
            assert!(firsts(last).contains(&stale), "{name}: three periods count");
            let behind = last + std::time::Duration::from_nanos(1);
            assert_eq!(
                firsts(behind),
                BTreeSet::from([fresh]),
                "{name}: and no more"
            );
        }
    }
}

#[test]
fn a_node_that_tells_no_more_what_it_can_receive_is_not_in_range() {
    let mut world = World::healthy(biased(Arc::new(RoundRobin), 0.0), backends(&[1, 1]));
    for number in 0..2 {
        world.read(number, Millisatoshi::from_sat(100));
    }
    world.check(0, Check::Good { inbound: None });
    world.publish();
    let pick = world.pick(Millisatoshi::from_sat(1), None);
    for _ in 0..10 {
        assert_eq!(world.first("a", &pick), Some(world.id(1)));
    }
}

/// The same requests of the same fleet, with and without a bias.
#[test]
fn with_nobody_in_range_all_is_as_without_a_bias() {
    let weights = [1, 2, 7, 3];
    for (name, strategy) in strategies() {
        let plain = World::healthy(config(&["a"], Arc::clone(&strategy)), backends(&weights));
        let mut silent = World::healthy(biased(Arc::clone(&strategy), 0.0), backends(&weights));
        silent.publish();
        let mut poor = World::healthy(biased(strategy, -1.0), backends(&weights));
        for number in 0..weights.len() {
            poor.read(number, Millisatoshi::from_sat(100));
        }
        poor.publish();
        let mut worlds = [plain, silent, poor];
        for turn in 0..2_000 {
            let [plain, silent, poor] = worlds.each_mut().map(|world| {
                let pick = world.pick(
                    Millisatoshi::from_sat(1),
                    (turn % 2 == 0).then(|| key(turn)),
                );
                world.candidates("a", &pick)
            });
            assert_eq!(silent, plain, "{name}: no readings");
            assert_eq!(poor, plain, "{name}: nobody has enough");
        }
    }
}

/// Readings that are all too old count for nothing: nobody is left out, each has its share, and a key keeps
/// its node.
#[test]
fn with_all_readings_stale_shares_are_as_without_a_bias() {
    let weights = [1, 2, 7, 3];
    for (name, strategy) in strategies() {
        let mut plain = World::healthy(config(&["a"], Arc::clone(&strategy)), backends(&weights));
        let mut stale = World::healthy(biased(strategy, 0.0), backends(&weights));
        for number in 0..weights.len() {
            stale.read(number, Millisatoshi::from_sat(100));
        }
        stale.publish();
        stale.now = stale.now + 10 * SECOND;
        let mut tally = Tally::new(&stale, &weights);
        for turn in 0..50_000 {
            let pick = stale.pick(Millisatoshi::from_sat(1), Some(key(turn)));
            let first = stale.first("a", &pick).unwrap();
            tally.add(first);
            if name == "consistent" {
                assert_eq!(Some(first), plain.first("a", &pick));
            }
        }
        if name != "adaptive" {
            let worst = tally.worst_distance();
            assert!(worst <= 500.0, "{name}: {worst}");
        }
    }
}

/// With requests for small and for large amounts by turns, each kind is shared out by weight among those
/// in range of it, without long blocks.
#[test]
fn shares_among_those_in_range_are_smooth_under_alternating_amounts() {
    let weights = [1, 2, 1, 4, 1];
    // Which nodes are in range of each amount: those from this number on.
    let amounts = [(1, 0), (250, 2), (350, 3)];
    for pattern in [
        &[0, 1][..],
        &[0, 1, 2],
        &[1, 2],
        &[1, 1, 0],
        &[2, 0, 1, 0, 1, 1],
    ] {
        let mut world = World::healthy(biased(Arc::new(RoundRobin), 0.0), backends(&weights));
        for number in 0..weights.len() {
            world.read(number, Millisatoshi::from_sat(100 * (number as u64 + 1)));
        }
        world.publish();
        let mut tallies = amounts.map(|(_, from)| {
            let weights = weights.iter().enumerate().skip(from);
            Tally::of(weights.map(|(number, weight)| (world.id(number), u64::from(*weight))))
        });
        for turn in 0..10_000 {
            let kind = pattern[turn % pattern.len()];
            let pick = world.pick(Millisatoshi::from_sat(amounts[kind].0), None);
            tallies[kind].add(world.first("a", &pick).unwrap());
            // Among all the turns are exact; among some they keep evenly apart.
            let bound = if kind == 0 { 1.0 } else { 6.0 };
            let worst = tallies[kind].worst_distance();
            assert!(
                worst <= bound,
                "{pattern:?} at {turn}: {worst} of amount {kind}"
            );
        }
    }
}

/// Under amounts in no order the shares are those of a fair draw at least.
#[test]
fn shares_among_those_in_range_are_right_under_random_amounts() {
    let weights = [3, 1, 2, 4, 1];
    for (name, strategy) in strategies()
        .into_iter()
        .filter(|(name, _)| *name != "adaptive")
    {
        let mut world = World::healthy(biased(strategy, 0.0), backends(&weights));
        for number in 0..weights.len() {
            world.read(number, Millisatoshi::from_sat(100 * (number as u64 + 1)));
        }
        world.publish();
        let mut rng = StdRng::seed_from_u64(5);
        let mut tallies = BTreeMap::new();
        for turn in 0..100_000 {
            let from = rng.random_range(0..weights.len());
            let amount = Millisatoshi::from_sat(100 * from as u64 + rng.random_range(1..=100));
            let pick = world.pick(amount, (turn % 3 == 0).then(|| key(turn)));
            let first = world.first("a", &pick).unwrap();
            let tally = tallies.entry(from).or_insert_with(|| {
                let weights = weights.iter().enumerate().skip(from);
                Tally::of(weights.map(|(number, weight)| (world.id(number), u64::from(*weight))))
            });
            tally.add(first);
        }
        for (from, tally) in tallies {
            let point = tally.picks() as f64 / 100.0;
            let worst = tally.worst_distance();
            assert!(
                worst <= point,
                "{name}, in range from {from}: {worst} of {}",
                tally.picks()
            );
        }
    }
}
