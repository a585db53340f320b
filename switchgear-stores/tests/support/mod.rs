//! Ordinary records.

use switchgear_core::{
    backend::Backend,
    offer::{Offer, OfferMetadata},
    store::{Page, PageStart},
};
use uuid::Uuid;

pub(crate) fn backend(host: &str) -> Backend {
    serde_json::from_value(serde_json::json!({
        "address": {"url": format!("https://{host}.example")},
        "partitions": ["default"],
        "weight": 1,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/m"},
            "ampInvoice": false,
        },
    }))
    .unwrap()
}

pub(crate) fn metadata() -> OfferMetadata {
    serde_json::from_value(serde_json::json!({
        "id": Uuid::new_v4(), "partition": "default", "text": "coffee",
    }))
    .unwrap()
}

pub(crate) fn offer(metadata: &OfferMetadata) -> Offer {
    serde_json::from_value(serde_json::json!({
        "partition": metadata.partition,
        "id": Uuid::new_v4(),
        "maxSendable": 1_000_000,
        "minSendable": 1_000,
        "metadataId": metadata.id,
        "timestamp": "2024-01-01T00:00:00Z",
    }))
    .unwrap()
}

pub(crate) fn page(start: PageStart, count: usize) -> Page {
    Page { start, count }
}
