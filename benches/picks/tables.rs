//! How much memory the tables of one picker take.

use std::{io, sync::Arc, time::Duration};

use allocation_counter::measure;
use switchgear_benches::{
    fleet::{CHECKED, partition},
    limits::Limits,
};
use switchgear_core::balance::{Check, Fleet};

use crate::fixture::{Weights, a_ready_node, strategies};

/// The most bytes of a node's part.
const AT_MOST: f64 = 192.0;

/// What a publication adds to the heap while the picker before it is still held; the nodes
/// themselves and what discovery says of them are in both.
pub(crate) fn size(limits: &mut Limits) -> io::Result<()> {
    let described = [
        (Weights::Equal, "equal weights"),
        (Weights::Mixed, "mixed weights"),
    ];
    for nodes in [1_000, 10_000] {
        for strategy in strategies() {
            for (weights, described) in described {
                let name = format!("tables: {}, {nodes}, {described}", strategy.name);
                limits.figure(&name, "B a node", AT_MOST, || {
                    bytes(strategy.fleet(nodes, weights), nodes)
                })?;
            }
            let name = format!("tables: {}, {nodes}, mixed and bias", strategy.name);
            limits.figure(&name, "B a node", AT_MOST, || {
                bytes(strategy.half_in_range(nodes, Weights::Mixed), nodes)
            })?;
        }
    }
    Ok(())
}

/// The bytes of a picker's tables, over the fleet's nodes.
fn bytes(mut fleet: Fleet, nodes: usize) -> f64 {
    let view = fleet.view();
    let number = view.number(&partition(0)).expect("it is served");
    let before = view.picker(number).map(|picker| Arc::clone(&picker));
    let later = CHECKED + Duration::from_secs(1);
    fleet.checked(a_ready_node(&fleet), Check::Bad, later);
    let published = measure(|| {
        fleet.publish(later);
    });
    drop(before);
    published.bytes_current as f64 / nodes as f64
}
