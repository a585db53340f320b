//! Consistent hashing: a node that comes, goes or changes its weight moves its own keys and no others.

use std::sync::Arc;

use switchgear_core::{
    Millisatoshi,
    balance::{Check, Consistent, NodeId},
};

use crate::common::{Tally, World, backend, backends, config, key};

fn world(weights: &[u16]) -> World {
    let config = config(&["a"], Arc::new(Consistent::default()));
    World::healthy(config, backends(weights))
}

/// Whose each of the first `keys` keys is.
fn owners(world: &mut World, keys: u64) -> Vec<NodeId> {
    let owner = |number| {
        let pick = world.pick(Millisatoshi::ZERO, Some(key(number)));
        world.first("a", &pick).unwrap()
    };
    (0..keys).map(owner).collect()
}

/// The keys that moved, each with whose it was and whose it is now.
fn moved(before: &[NodeId], after: &[NodeId]) -> Vec<(NodeId, NodeId)> {
    let pairs = before.iter().copied().zip(after.iter().copied());
    pairs.filter(|(before, after)| before != after).collect()
}

fn count_of(owners: &[NodeId], id: NodeId) -> usize {
    owners.iter().filter(|owner| **owner == id).count()
}

#[test]
fn a2_one_of_ten_removed_moves_its_own_keys_only() {
    let mut world = world(&[1; 10]);
    let before = owners(&mut world, 100_000);
    let gone = world.id(3);
    let mut left = backends(&[1; 10]);
    left.remove(3);
    world.list(left);
    world.publish();
    let after = owners(&mut world, 100_000);
    let moved = moved(&before, &after);
    assert!(moved.len() <= 12_000, "{} moved", moved.len());
    assert!(moved.iter().all(|(before, _)| *before == gone));
    assert_eq!(
        moved.len(),
        count_of(&before, gone),
        "all of its keys went elsewhere"
    );
    assert_eq!(count_of(&after, gone), 0);
    // They are spread over all who are left.
    for number in (0..10).filter(|number| *number != 3) {
        let heir = world.id(number);
        let inherited = moved.iter().filter(|(_, after)| *after == heir).count();
        assert!(
            (900..1_400).contains(&inherited),
            "node {number} got {inherited}"
        );
    }
}

/// Numbers of nodes, the last of which are too many to look at each, and with how many keys to try them.
const SIZES: [(usize, u64); 3] = [(10, 100_000), (100, 100_000), (1_000, 100_000)];

/// Equal weights, and different ones.
fn weights_of(size: usize) -> [Vec<u16>; 2] {
    let uneven = (1..=5)
        .cycle()
        .map(|weight| weight * 3)
        .take(size)
        .collect();
    [vec![1; size], uneven]
}

#[test]
fn a2_a_node_added_takes_keys_from_all_and_moves_no_others() {
    for (size, keys) in SIZES {
        for weights in weights_of(size) {
            let mut world = world(&weights);
            let before = owners(&mut world, keys);
            let mut listed = backends(&weights);
            listed.push(backend(size, weights[0], &["a"]));
            world.list(listed);
            world.publish();
            let after = owners(&mut world, keys);
            let newcomer = world.id(size);
            let moved = moved(&before, &after);
            assert!(
                moved.iter().all(|(_, after)| *after == newcomer),
                "{size} nodes"
            );
            assert!(!moved.is_empty(), "{size} nodes: the newcomer got nothing");
        }
    }
}

#[test]
fn a2_a_weight_changed_moves_keys_towards_the_grown_node_only() {
    for (size, keys) in SIZES {
        for weights in weights_of(size) {
            let mut world = world(&weights);
            let before = owners(&mut world, keys);
            let changed = size / 2;
            let node = world.id(changed);
            let mut grown = backends(&weights);
            grown[changed] = backend(changed, weights[changed] * 2, &["a"]);
            world.list(grown);
            world.publish();
            let heavier = owners(&mut world, keys);
            let gained = moved(&before, &heavier);
            assert!(
                gained.iter().all(|(_, after)| *after == node),
                "{size} nodes"
            );
            assert!(!gained.is_empty(), "{size} nodes");

            world.list(backends(&weights));
            world.publish();
            let back = owners(&mut world, keys);
            assert!(
                back == before,
                "{size} nodes: every key returns with the weight"
            );
        }
    }
}

#[test]
fn a2_an_unhealthy_node_loses_its_keys_and_gets_them_all_back() {
    for (size, keys) in SIZES {
        for weights in weights_of(size) {
            let mut world = world(&weights);
            let before = owners(&mut world, keys);
            let number = size / 3;
            let sick = world.id(number);
            world.check(number, Check::Bad);
            world.publish();
            let meanwhile = owners(&mut world, keys);
            let moved = moved(&before, &meanwhile);
            assert!(
                moved.iter().all(|(before, _)| *before == sick),
                "{size} nodes"
            );
            assert_eq!(moved.len(), count_of(&before, sick), "{size} nodes");
            assert!(!moved.is_empty(), "{size} nodes");

            world.check(number, Check::Good { inbound: None });
            world.publish();
            assert!(
                owners(&mut world, keys) == before,
                "{size} nodes: all keys return"
            );
        }
    }
}

#[test]
fn a2_two_instances_agree_whatever_the_order_of_their_nodes() {
    let weights = &weights_of(300)[1];
    let mut one = world(weights);
    let mut listed = backends(weights);
    listed.reverse();
    let mut other = World::healthy(config(&["a"], Arc::new(Consistent::default())), listed);
    for number in 0..500 {
        let pick = one.pick(Millisatoshi::ZERO, Some(key(number)));
        let of = |world: &mut World| {
            let order = world.candidates("a", &pick);
            let order = order.into_iter().take(3);
            let address = |id| world.fleet.backend(id).unwrap().address.clone();
            order.map(address).collect::<Vec<_>>()
        };
        assert_eq!(of(&mut one), of(&mut other), "key {number}");
    }
}

/// Within 2% of each share, beyond what sampling explains: four and a half standard deviations.
#[test]
fn a2_shares_of_a_hundred_nodes_are_even() {
    for weights in weights_of(100) {
        let mut world = world(&weights);
        let mut tally = Tally::new(&world, &weights);
        tally.merge(owners(&mut world, 1_000_000));
        for (distance, share) in tally.distances() {
            let bound = 0.02 * share + 4.5 * share.sqrt();
            assert!(distance <= bound, "{distance} off a share of {share}");
        }
    }
}
