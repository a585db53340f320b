//! The picks of `pingora-load-balancing`: static discovery, every node ready, weights of 1.

use std::{collections::HashSet, hint::black_box};

use futures::FutureExt as _;
use pingora_load_balancing::{
    Backend, Backends, LoadBalancer,
    discovery::Static,
    selection::{BackendIter, BackendSelection, Consistent, Random, RoundRobin},
};
use switchgear_benches::{fleet::address, keys::Keys};

use crate::fleet::{ASKED, partition};

/// The partition of a backend, as its extension.
#[derive(Clone, Copy, PartialEq)]
struct Tag(usize);

/// One pick after the other by round robin.
pub(crate) fn round_robin(nodes: usize) -> impl FnMut() -> Backend {
    keyless::<RoundRobin>(nodes)
}

/// One pick after the other at random.
pub(crate) fn random(nodes: usize) -> impl FnMut() -> Backend {
    keyless::<Random>(nodes)
}

/// One pick after the other by the request's key, on the ketama ring that is the crate's default
/// (160 points a node).
pub(crate) fn consistent(nodes: usize) -> impl FnMut() -> Backend {
    let balancer = balancer::<Consistent>((0..nodes).map(backend));
    let mut keys = Keys::new();
    move || first_ready(&balancer, keys.next_key(), nodes)
}

/// One pick after the other in one partition, found by a tag that each backend carries.
pub(crate) fn partition_by_tag(nodes: usize) -> impl FnMut() -> Backend {
    let tagged = (0..nodes).map(|index| {
        let mut backend = backend(index);
        backend.ext.insert(Tag(partition(index)));
        backend
    });
    let balancer = balancer::<RoundRobin>(tagged);
    move || {
        let asked = black_box(Tag(ASKED));
        let accept = |backend: &Backend, ready| ready && backend.ext.get() == Some(&asked);
        balancer
            .select_with(b"", nodes, accept)
            .expect("a node of the partition is ready")
    }
}

/// One pick after the other in one partition, found in the set of its addresses: what a user does
/// who has measured that a tag is cloned with each candidate.
pub(crate) fn partition_by_address(nodes: usize) -> impl FnMut() -> Backend {
    let asked: HashSet<_> = (0..nodes)
        .filter(|index| partition(*index) == ASKED)
        .map(|index| backend(index).addr)
        .collect();
    let balancer = balancer::<RoundRobin>((0..nodes).map(backend));
    move || {
        let asked = black_box(&asked);
        let accept = |backend: &Backend, ready| ready && asked.contains(&backend.addr);
        balancer
            .select_with(b"", nodes, accept)
            .expect("a node of the partition is ready")
    }
}

fn keyless<S>(nodes: usize) -> impl FnMut() -> Backend
where
    S: BackendSelection + 'static,
    S::Iter: BackendIter,
{
    let balancer = balancer::<S>((0..nodes).map(backend));
    move || first_ready(&balancer, b"", nodes)
}

fn first_ready<S>(balancer: &LoadBalancer<S>, key: &[u8], nodes: usize) -> Backend
where
    S: BackendSelection + 'static,
    S::Iter: BackendIter,
{
    balancer
        .select_with(key, nodes, |_, ready| ready)
        .expect("a node is ready")
}

fn balancer<S>(backends: impl Iterator<Item = Backend>) -> LoadBalancer<S>
where
    S: BackendSelection + 'static,
    S::Iter: BackendIter,
{
    let balancer = LoadBalancer::from_backends(Backends::new(Static::new(backends.collect())));
    balancer
        .update()
        .now_or_never()
        .expect("static discovery waits for nothing")
        .expect("static discovery does not fail");
    balancer
}

fn backend(index: usize) -> Backend {
    Backend::new(&address(index).to_string()).expect("the address is well formed")
}
