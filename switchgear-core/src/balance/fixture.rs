//! Fleets for tests.

use std::{num::NonZeroU16, sync::Arc};

use super::{Check, Fleet, FleetConfig, Node, NodeId, Picker, Seats};
use crate::{Moment, Partition, backend::Backend};

pub(super) fn partition(name: &str) -> Partition {
    Partition::try_new(name).unwrap()
}

/// A backend named `name` of weight 1 in these partitions.
pub(super) fn backend(name: &str, partitions: &[&str]) -> Backend {
    serde_json::from_value(serde_json::json!({
        "address": {"url": format!("https://{name}.example.com")},
        "name": name,
        "partitions": partitions,
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": format!("https://{name}.example.com:10009"),
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/m"},
            "ampInvoice": false
        }
    }))
    .unwrap()
}

pub(super) fn config(partitions: &[&str]) -> FleetConfig {
    FleetConfig::new(partitions.iter().map(|name| partition(name)).collect())
}

/// Takes these backends and a good check of each, and publishes that.
pub(super) fn make_healthy(fleet: &mut Fleet, backends: Vec<Backend>) -> Vec<NodeId> {
    let started = fleet.update(backends, Moment::ORIGIN).started;
    let ids: Vec<_> = started.iter().map(|node| node.id).collect();
    for id in &ids {
        fleet.checked(*id, Check::Good { inbound: None }, Moment::ORIGIN);
    }
    flush(fleet, Moment::ORIGIN);
    ids
}

/// Publishes all that has changed, as if it were late enough for that.
pub(super) fn flush(fleet: &mut Fleet, now: Moment) {
    if let Some(due) = fleet.publish(now) {
        assert_eq!(fleet.publish(due), None);
    }
}

/// The present picker of a partition.
pub(super) fn picker(fleet: &Fleet, partition: &str) -> Arc<Picker> {
    let view = fleet.view();
    let number = view.number(&self::partition(partition)).unwrap();
    Arc::clone(&view.picker(number).unwrap())
}

/// Seats of nodes with these weights.
pub(super) fn seats(weights: &[u16]) -> Seats {
    let node = |index: usize| {
        let address = backend(&format!("n{index}"), &["a"]).address;
        Arc::new(Node::new(
            NodeId(index as u64),
            address,
            3.try_into().unwrap(),
        ))
    };
    let weights = weights
        .iter()
        .map(|weight| NonZeroU16::new(*weight).unwrap());
    Seats::new(
        weights
            .enumerate()
            .map(|(index, weight)| (node(index), weight)),
    )
}
