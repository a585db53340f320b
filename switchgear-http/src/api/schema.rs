//! JSON Schemas (2020-12) that more than one service has a use for.

use serde_json::{Map, Value, json};
use switchgear_core::Partition;

/// The media type of every body but an error's.
pub(crate) const JSON: &str = "application/json";

/// The schema of that name among the document's own.
pub(crate) fn of(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A list of what `item` says.
pub(crate) fn list(item: Value) -> Value {
    json!({"type": "array", "items": item})
}

/// A value that may be `null`, which means absent.
pub(crate) fn nullable(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// An object of a request: a field that is not named here is refused.
pub(crate) fn closed(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// An object of an answer, which may learn more fields.
pub(crate) fn open(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

/// The object `schema` with more properties.
pub(crate) fn with(mut schema: Value, more: Value) -> Value {
    if let (Some(properties), Value::Object(more)) = (schema["properties"].as_object_mut(), more) {
        properties.extend(more);
    }
    schema
}

/// Text without U+0000, of at least one character.
pub(crate) fn text() -> Value {
    json!({"type": "string", "minLength": 1, "pattern": r"^[^\x00]*$"})
}

pub(crate) fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

pub(crate) fn partition() -> Value {
    json!({
        "type": "string",
        "pattern": format!(r"^[A-Za-z0-9._~-]{{1,{}}}$", Partition::MAX_LEN),
    })
}

/// What an open health check answers.
pub(crate) fn health() -> Value {
    open(&["status"], json!({"status": {"const": "OK"}}))
}

/// Where a record is, below its collection. Requests may repeat it.
pub(crate) fn location() -> Value {
    json!({"type": "string", "readOnly": true})
}

pub(super) fn open_api() -> Value {
    let version = json!({"type": "string", "pattern": r"^3\.1\."});
    let object = json!({"type": "object"});
    let properties = Map::from_iter([
        ("openapi".to_owned(), version),
        ("info".to_owned(), object.clone()),
        ("paths".to_owned(), object),
    ]);
    open(&["openapi", "info", "paths"], Value::Object(properties))
}
