//! The first candidate of a pick comes without an allocation.

use std::sync::Arc;

use switchgear_core::{
    Millisatoshi,
    balance::{AffinityKey, CapacityBias},
};

use crate::common::{World, backends, config, key, partition, strategies};

const PICKS: u64 = 1_000;

#[test]
fn the_first_candidate_allocates_nothing() {
    for size in [10, 10_000] {
        for (name, strategy) in strategies() {
            for bias in [None, Some(0.0)] {
                let mut config = config(&["a"], Arc::clone(&strategy));
                config.capacity_bias = bias.map(|bias| CapacityBias::try_new(bias).unwrap());
                let weights: Vec<_> = (1..=7).cycle().take(size).collect();
                let mut world = World::healthy(config, backends(&weights));
                for number in 0..size {
                    world.read(number, Millisatoshi::from_sat(number as u64 + 1));
                }
                world.publish();
                let (all, allocations) = allocations(&mut world, size as u64);
                assert_eq!(
                    all,
                    2 * PICKS,
                    "{name}, {size} nodes: each pick named a node"
                );
                assert_eq!(allocations, 0, "{name}, {size} nodes, bias {bias:?}");
            }
        }
    }
}

/// How many picks named a node, and how many allocations they made.
fn allocations(world: &mut World, size: u64) -> (u64, u64) {
    let number = world.view.number(&partition("a")).unwrap();
    // A thread's first look registers the thread.
    drop(world.view.picker(number));
    let mut named = 0;
    let measured = allocation_counter::measure(|| {
        for turn in 0..PICKS {
            // In range of all, of some, of nobody.
            let amount = Millisatoshi::from_sat(turn * 2 * size / PICKS);
            for comment in [None, Some(turn)] {
                // Without a text to be put together.
                let comment = comment.map(|turn| AffinityKey::of(&turn.to_le_bytes()));
                let pick = world.pick(amount, comment);
                let picker = world.view.picker(number).unwrap();
                let first = picker.candidates(&pick, &mut world.rng).next();
                named += u64::from(first.is_some());
            }
        }
    });
    (named, measured.count_total)
}

#[test]
fn the_counter_counts() {
    let measured = allocation_counter::measure(|| {
        std::hint::black_box(key(1));
    });
    assert!(measured.count_total > 0, "a comment's text is allocated");
}
