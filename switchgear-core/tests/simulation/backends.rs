use serde_json::json;
use switchgear_core::{
    Partition,
    backend::{Backend, Partitions, Weight},
};

/// What discovery says of the node at a place: its address never changes, all else may.
pub fn backend(place: usize, partitions: &[Partition], weight: u16) -> Backend {
    let mut backend = reached_by(place, 0);
    backend.partitions =
        Partitions::try_new(partitions.iter().cloned()).expect("at least one is named");
    backend.weight = Weight::new(weight);
    backend
}

/// The same node, reached in one way or another.
pub fn reached_by(place: usize, way: u8) -> Backend {
    let port = 10_000 + u16::from(way);
    serde_json::from_value(json!({
        "address": {"url": format!("https://n{place}.example.com")},
        "partitions": ["p0"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": format!("https://127.0.0.1:{port}"),
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/macaroon"},
            "ampInvoice": false,
        },
    }))
    .expect("the record is well formed")
}

/// The name of a partition by its index.
pub fn partition(index: usize) -> Partition {
    Partition::try_new(&format!("p{index:02}")).expect("the name is well formed")
}
