//! JSON Schemas of what wallets are answered.

use serde_json::{Value, json};

use crate::api::schema::{health, list, of, open, partition};

pub(super) const EXAMPLE_OFFER: &str = "6a38ebdd-83ef-4b94-b843-3b18cd90a833";

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Amount", amount()),
        ("Error", error()),
        ("Health", health()),
        ("Partition", partition()),
        ("PayInvoice", pay_invoice()),
        ("PayRequest", pay_request()),
        ("Readiness", readiness()),
    ]
}

/// LUD-01's error.
fn error() -> Value {
    open(
        &["status", "reason"],
        json!({
            "status": {"const": "ERROR"},
            "reason": {"type": "string", "description": "For a payer to read."},
        }),
    )
}

fn amount() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": i64::MAX, "description": "In msat."})
}

fn pay_request() -> Value {
    open(
        &["callback", "maxSendable", "minSendable", "tag", "metadata"],
        json!({
            "callback": {"type": "string", "format": "uri"},
            "maxSendable": of("Amount"),
            "minSendable": of("Amount"),
            "tag": {"const": "payRequest"},
            "metadata": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": list(list(json!({"type": "string"}))),
                "description": "What is paid for; an invoice's description hash is the SHA-256 of this \
                                text.",
            },
            "commentAllowed": {
                "type": "integer",
                "minimum": 1,
                "maximum": u32::MAX,
                "description": "How many characters a comment may have (LUD-12); absent while comments are \
                                off.",
            },
        }),
    )
}

fn pay_invoice() -> Value {
    open(
        &["pr", "routes"],
        json!({
            "pr": {"type": "string", "pattern": "^ln[a-z0-9]+$", "description": "A BOLT11 invoice."},
            "routes": {"type": "array", "maxItems": 0},
        }),
    )
}

/// How many nodes are ready; no addresses.
fn readiness() -> Value {
    let number = json!({"type": "integer", "minimum": 0});
    let nodes = open(
        &["partition", "ready", "total"],
        json!({"partition": of("Partition"), "ready": number, "total": number}),
    );
    open(
        &["status"],
        json!({
            "status": {"enum": ["OK", "ERROR"]},
            "reason": {"type": "string"},
            "partitions": list(nodes),
        }),
    )
}
