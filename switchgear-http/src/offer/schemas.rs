//! JSON Schemas of offers and of their metadata.

use serde_json::{Value, json};
use switchgear_core::offer::{ImageData, InternetAddress, SendableRange};

use crate::{
    api::schema::{closed, health, location, nullable, of, open, partition, text, uuid, with},
    rest::api::problem,
};

pub(super) const EXAMPLE_OFFER: &str = "6a38ebdd-83ef-4b94-b843-3b18cd90a833";

pub(super) const EXAMPLE_METADATA: &str = "88deff7e-ca45-4144-8fca-286a5a18fb1a";

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Amount", amount()),
        ("Health", health()),
        ("Identifier", identifier()),
        ("Image", image()),
        ("Metadata", answered(&METADATA, metadata())),
        ("MetadataUpdate", update(&METADATA, metadata())),
        ("NewMetadata", new(&METADATA, metadata())),
        ("NewOffer", new(&OFFER, offer())),
        ("Offer", answered(&OFFER, offer())),
        ("OfferUpdate", update(&OFFER, offer())),
        ("Partition", partition()),
        ("Problem", problem()),
        ("Text", text()),
        ("Time", time()),
        ("Uuid", uuid()),
    ]
}

/// An offer that can be paid once its metadata is there.
pub(super) fn example_offer() -> Value {
    json!({
        "partition": "default",
        "id": EXAMPLE_OFFER,
        "maxSendable": 1_000_000,
        "minSendable": 1_000,
        "metadataId": EXAMPLE_METADATA,
        "timestamp": "2024-01-01T00:00:00Z",
        "expires": "2099-12-31T23:59:59Z",
    })
}

pub(super) fn example_metadata() -> Value {
    json!({
        "partition": "default",
        "id": EXAMPLE_METADATA,
        "text": "A coffee",
        "longText": "A coffee, of beans from the mountains",
        "image": {"png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="},
        "identifier": {"email": "coffee@example.com"},
    })
}

/// The fields of an offer that must be there, but its key.
const OFFER: [&str; 4] = ["maxSendable", "minSendable", "metadataId", "timestamp"];

const METADATA: [&str; 1] = ["text"];

fn offer() -> Value {
    let mut least = of("Amount");
    least["description"] = json!("Not above `maxSendable`.");
    let mut metadata = of("Uuid");
    metadata["description"] = json!("The metadata, of the same partition; it must be there.");
    json!({
        "maxSendable": of("Amount"),
        "minSendable": least,
        "metadataId": metadata,
        "timestamp": of("Time"),
        "expires": nullable(of("Time")),
    })
}

fn metadata() -> Value {
    json!({
        "text": of("Text"),
        "longText": nullable(of("Text")),
        "image": nullable(of("Image")),
        "identifier": nullable(of("Identifier")),
    })
}

/// A record of an answer: what is absent is not there.
fn answered(needed: &[&str], mut fields: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        for field in fields.values_mut() {
            if let Some(present) = field.pointer("/anyOf/0") {
                *field = present.clone();
            }
        }
    }
    let own = json!({"partition": of("Partition"), "id": of("Uuid"), "location": location()});
    let needed = [&["partition", "id", "location"], needed].concat();
    with(open(&needed, fields), own)
}

fn new(needed: &[&str], fields: Value) -> Value {
    let ignored = json!({"description": "Ignored: what GET gave can be put back."});
    let own = json!({"partition": of("Partition"), "id": of("Uuid"), "location": ignored});
    let needed = [&["partition", "id"], needed].concat();
    with(closed(&needed, fields), own)
}

fn update(needed: &[&str], fields: Value) -> Value {
    let repeated = |schema| {
        let mut schema = nullable(schema);
        schema["description"] =
            json!("May repeat what the path says, and must then agree with it.");
        schema
    };
    let own = json!({
        "partition": repeated(of("Partition")),
        "id": repeated(of("Uuid")),
        "location": repeated(json!({"type": "string"})),
    });
    with(closed(needed, fields), own)
}

fn amount() -> Value {
    json!({
        "type": "integer",
        "minimum": 1,
        "maximum": SendableRange::LARGEST.msat(),
        "description": "In msat.",
    })
}

fn time() -> Value {
    json!({
        "type": "string",
        "format": "date-time",
        "description": "As RFC 3339 writes it, of the years 0 to 9999; kept to the microsecond.",
    })
}

fn image() -> Value {
    let picture = |media_type: &str, begin: &str| {
        json!({
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": media_type,
            "pattern": begin,
            "maxLength": ImageData::MAX_LEN,
        })
    };
    json!({"oneOf": [
        closed(&["png"], json!({"png": picture("image/png", "^iVBORw0KGgo")})),
        closed(&["jpeg"], json!({"jpeg": picture("image/jpeg", "^/9j/")})),
    ]})
}

fn identifier() -> Value {
    let address = json!({
        "type": "string",
        "format": "idn-email",
        "minLength": 3,
        "maxLength": InternetAddress::MAX_LEN,
    });
    json!({"oneOf": [
        closed(&["text"], json!({"text": address})),
        closed(&["email"], json!({"email": address})),
    ]})
}
