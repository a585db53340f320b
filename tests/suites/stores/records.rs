use serde_json::json;
use switchgear_core::{
    Partition,
    backend::Backend,
    offer::{Offer, OfferMetadata},
};
use uuid::Uuid;

/// The partition of all records here.
pub(crate) fn partition() -> Partition {
    Partition::try_new("default").expect("a legal name")
}

/// Metadata without a picture.
pub(crate) fn metadata(id: Uuid) -> OfferMetadata {
    let record = json!({"id": id, "partition": "default", "text": format!("a coffee, {id}")});
    serde_json::from_value(record).expect("legal metadata")
}

/// Metadata with the largest picture there may be, which takes pages of a database.
pub(crate) fn large_metadata(id: Uuid) -> OfferMetadata {
    // The base64 text of the head of a PNG with one pixel, then what no database can compress away.
    let mut image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB".to_owned();
    while image.len() < 130_000 {
        image.push_str(&Uuid::new_v4().simple().to_string());
    }
    let record = json!({
        "id": id, "partition": "default", "text": "a picture", "image": {"png": image},
    });
    serde_json::from_value(record).expect("legal metadata")
}

/// An offer of 1 to 1,000,000 sat that is valid for long.
pub(crate) fn offer(id: Uuid, metadata: Uuid) -> Offer {
    let record = json!({
        "partition": "default",
        "id": id,
        "minSendable": 1_000,
        "maxSendable": 1_000_000_000,
        "metadataId": metadata,
        "timestamp": "2024-01-01T00:00:00Z",
    });
    serde_json::from_value(record).expect("a legal offer")
}

/// A node that nobody asks.
pub(crate) fn backend(number: usize) -> Backend {
    let record = json!({
        "address": {"url": format!("https://node-{number}.example")},
        "name": format!("node {number}"),
        "partitions": ["default"],
        "weight": 1,
        "enabled": false,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:1",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/macaroon"},
            "ampInvoice": false,
        },
    });
    serde_json::from_value(record).expect("a legal backend")
}
