//! Fleets of any size, for benches: node `index` has the same address each time.

use std::net::{Ipv4Addr, SocketAddr};

use switchgear_core::{
    Moment, Partition,
    backend::{Backend, BackendAddress, Partitions, Weight},
    balance::{Check, Fleet, FleetConfig},
};

/// The port of every node, LND's own.
const PORT: u16 = 10_009;

/// When fleets of this module were checked and published; requests come no earlier.
pub const CHECKED: Moment = Moment::from_nanos(1_000_000_000);

/// What a check says of a node that is well and tells nothing of its inbound capacity.
pub const GOOD: Check = Check::Good { inbound: None };

/// Where the node at `index` is.
pub fn address(index: usize) -> SocketAddr {
    let host = u32::try_from(index).expect("a fleet has fewer nodes than there are addresses");
    SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0001 + host), PORT))
}

/// A partition by its number.
pub fn partition(number: usize) -> Partition {
    Partition::try_new(&format!("p{number}")).expect("the name is well formed")
}

/// `nodes` backends, each enabled and in one partition; `describe` says in which one and with which
/// weight.
pub fn backends(nodes: usize, describe: impl Fn(usize) -> (Partition, u16)) -> Vec<Backend> {
    let template = template();
    let backend = |index| {
        let url = format!("https://{}", address(index));
        let (partition, weight) = describe(index);
        Backend {
            address: BackendAddress::try_from_url(&url).expect("the address is well formed"),
            partitions: Partitions::try_new([partition]).expect("one partition is enough"),
            weight: Weight::new(weight),
            ..template.clone()
        }
    };
    (0..nodes).map(backend).collect()
}

/// A fleet of `backends` whose nodes have been checked, each with what `check` says of the node at
/// its index, and that requests see.
pub fn checked(
    config: FleetConfig,
    backends: Vec<Backend>,
    check: impl Fn(usize) -> Check,
) -> Fleet {
    let mut fleet = Fleet::new(config);
    let started = fleet.update(backends, CHECKED).started;
    for (index, node) in started.into_iter().enumerate() {
        fleet.checked(node.id, check(index), CHECKED);
    }
    fleet.publish(CHECKED);
    fleet
}

fn template() -> Backend {
    serde_json::from_value(serde_json::json!({
        "address": {"url": "https://node.example.com"},
        "partitions": ["default"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/macaroon"},
            "ampInvoice": false
        }
    }))
    .expect("the backend is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_see_the_nodes_that_were_checked_as_well() {
        let backends = backends(10, |index| (partition(index % 2), 1));
        let config = FleetConfig::new([partition(0), partition(1)].into());
        let check = |index| if index < 4 { Check::Bad } else { GOOD };
        let readiness = checked(config, backends, check).view().readiness();
        let of = |number| readiness.partition(&partition(number)).unwrap();
        assert_eq!((of(0).ready, of(0).total), (3, 5));
        assert_eq!((of(1).ready, of(1).total), (3, 5));
    }
}
