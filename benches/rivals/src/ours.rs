//! The picks of switchgear: a fleet that was discovered, checked and published, weights of 1.
//!
//! A pick is what the request of a program that embeds the core does: load the partition's picker
//! from the view, hash the comment where there is one, and take the first candidate. Chance comes
//! from the generator of the `rand` crate that belongs to the thread, fetched for each pick, as in
//! `theirs`. The partition's number is looked up once, and no clock is read.
//!
//! A pick lends the node for as long as its picker is held, where `theirs` copies the address out. A
//! program that keeps the node for longer counts a reference, in the node's own memory: the cases
//! that say so do.

use std::sync::Arc;

use switchgear_benches::{
    fleet::{GOOD, backends, checked, partition as name},
    keys::Keys,
    requests::Requests,
};
use switchgear_core::{
    Millisatoshi,
    balance::{Consistent, FleetConfig, Node, Random, RoundRobin, Strategy},
};

use crate::fleet::{ASKED, PARTITIONS, partition as partition_of};

/// One pick after the other by round robin.
pub(crate) fn round_robin(nodes: usize) -> impl FnMut() -> bool {
    let requests = requests(RoundRobin, nodes);
    move || requests.pick(None)
}

/// One pick after the other by round robin, each node kept.
pub(crate) fn round_robin_kept(nodes: usize) -> impl FnMut() -> Arc<Node> {
    let requests = requests(RoundRobin, nodes);
    move || requests.pick_kept(None).expect("a node is ready")
}

/// One pick after the other at random.
pub(crate) fn random(nodes: usize) -> impl FnMut() -> bool {
    let requests = requests(Random, nodes);
    move || requests.pick(None)
}

/// One pick after the other at random, each node kept.
pub(crate) fn random_kept(nodes: usize) -> impl FnMut() -> Arc<Node> {
    let requests = requests(Random, nodes);
    move || requests.pick_kept(None).expect("a node is ready")
}

/// One pick after the other by the request's key.
pub(crate) fn consistent(nodes: usize) -> impl FnMut() -> bool {
    let requests = requests(Consistent::default(), nodes);
    let mut keys = Keys::new();
    move || requests.pick(Some(keys.next_key()))
}

/// One pick after the other by round robin in one partition.
pub(crate) fn partition(nodes: usize) -> impl FnMut() -> bool {
    let config = FleetConfig::new((0..PARTITIONS).map(name).collect());
    let backends = backends(nodes, |index| (name(partition_of(index)), 1));
    let fleet = checked(config, backends, |_| GOOD);
    let requests = Requests::new(&fleet, &name(ASKED), Millisatoshi::ZERO);
    move || requests.pick(None)
}

fn requests(strategy: impl Strategy + 'static, nodes: usize) -> Requests {
    let mut config = FleetConfig::new([name(0)].into());
    config.strategy = Arc::new(strategy);
    let fleet = checked(config, backends(nodes, |_| (name(0), 1)), |_| GOOD);
    Requests::new(&fleet, &name(0), Millisatoshi::ZERO)
}
