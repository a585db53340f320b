//! JSON Schemas of backends.

use serde_json::{Value, json};
use switchgear_core::backend::BackendName;

use crate::{
    api::schema::{closed, health, list, location, nullable, of, open, partition, text, with},
    rest::api::problem,
};

/// A public key that lies on the curve.
pub(super) const EXAMPLE_KEY: &str =
    "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// `https://lnd.example.com/` in a path.
pub(super) const EXAMPLE_URL: &str = "aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v";

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Backend", answered()),
        ("BackendAddress", address()),
        ("BackendName", name()),
        ("BackendPatch", patch()),
        ("BackendUpdate", update()),
        ("ClnGrpc", cln()),
        ("Health", health()),
        ("Implementation", implementation()),
        ("LndGrpc", lnd()),
        ("NewBackend", new()),
        ("Partition", partition()),
        ("Problem", problem()),
        ("PublicKey", public_key()),
        ("Weight", weight()),
    ]
}

/// A body that adds a backend.
pub(super) fn example() -> Value {
    let mut backend = example_update();
    backend["address"] = json!({"url": "https://lnd.example.com/"});
    backend
}

/// A body that replaces a backend, whatever its address.
pub(super) fn example_update() -> Value {
    json!({
        "name": "LND node 1",
        "partitions": ["default"],
        "weight": 50,
        "enabled": false,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://192.0.2.1:10009/",
            "domain": "lnd-node.example.com",
            "auth": {
                "type": "path",
                "tlsCertPath": "/path/to/tls.cert",
                "macaroonPath": "/path/to/invoice.macaroon",
            },
            "ampInvoice": false,
            "privateHints": false,
        },
    })
}

/// A body that drains a backend.
pub(super) fn example_patch() -> Value {
    json!({"name": null, "weight": 0})
}

/// A URL in base64url: no length leaves one character over.
pub(super) fn url_segment() -> Value {
    json!({
        "type": "string",
        "format": "base64url-url",
        "pattern": "^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$",
        "minLength": 1,
    })
}

/// The fields of a backend but those that say which it is.
fn fields() -> Value {
    json!({
        "name": nullable(of("BackendName")),
        "partitions": partitions(),
        "weight": of("Weight"),
        "enabled": {"type": "boolean", "description": "Whether the node takes part at all."},
        "implementation": of("Implementation"),
    })
}

const NEEDED: [&str; 4] = ["partitions", "weight", "enabled", "implementation"];

fn answered() -> Value {
    let own =
        json!({"address": of("BackendAddress"), "location": location(), "name": of("BackendName")});
    let needed = [&["address", "location"], &NEEDED[..]].concat();
    with(open(&needed, fields()), own)
}

fn new() -> Value {
    let ignored = json!({"description": "Ignored: what GET gave can be put back."});
    let own = json!({"address": of("BackendAddress"), "location": ignored});
    let needed = [&["address"], &NEEDED[..]].concat();
    with(closed(&needed, fields()), own)
}

fn update() -> Value {
    let described = |mut schema: Value| {
        schema["description"] =
            json!("May repeat what the path says, and must then agree with it.");
        schema
    };
    let own = json!({
        "address": described(nullable(of("BackendAddress"))),
        "location": described(nullable(json!({"type": "string"}))),
    });
    with(closed(&NEEDED, fields()), own)
}

fn patch() -> Value {
    let mut name = nullable(of("BackendName"));
    name["description"] = json!("`null` clears the name.");
    closed(
        &[],
        json!({
            "name": name,
            "partitions": nullable(partitions()),
            "weight": nullable(of("Weight")),
            "enabled": nullable(json!({"type": "boolean"})),
        }),
    )
}

fn partitions() -> Value {
    let mut partitions = list(of("Partition"));
    partitions["minItems"] = json!(1);
    partitions
}

fn weight() -> Value {
    json!({
        "type": "integer",
        "minimum": 0,
        "maximum": u16::MAX,
        "description": "The node's share, relative to the others. 0 drains: it takes nothing and stays \
                        listed.",
    })
}

fn name() -> Value {
    let mut name = text();
    name["maxLength"] = json!(BackendName::MAX_LEN);
    name
}

fn public_key() -> Value {
    json!({
        "type": "string",
        "format": "secp256k1",
        "pattern": "^0[23][0-9a-fA-F]{64}$",
        "description": "A compressed secp256k1 public key that lies on the curve. Answers have it in \
                        lower case.",
    })
}

fn address() -> Value {
    let url = json!({
        "type": "string",
        "format": "uri",
        "description": "Without credentials, and at most 2048 bytes in the form that answers have: as the \
                        WHATWG writes URLs.",
    });
    json!({"oneOf": [
        closed(&["publicKey"], json!({"publicKey": of("PublicKey")})),
        closed(&["url"], json!({"url": url})),
    ]})
}

fn implementation() -> Value {
    json!({
        "oneOf": [of("ClnGrpc"), of("LndGrpc")],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                "clnGrpc": "#/components/schemas/ClnGrpc",
                "lndGrpc": "#/components/schemas/LndGrpc",
            },
        },
    })
}

fn cln() -> Value {
    let auth = files(&["caCertPath", "clientCertPath", "clientKeyPath"]);
    closed(&["type", "url", "auth"], grpc("clnGrpc", auth))
}

fn lnd() -> Value {
    let auth = files(&["tlsCertPath", "macaroonPath"]);
    let node = closed(
        &["type", "url", "auth", "ampInvoice"],
        grpc("lndGrpc", auth),
    );
    with(node, json!({"ampInvoice": {"type": "boolean"}}))
}

/// What both kinds of nodes have.
fn grpc(kind: &str, auth: Value) -> Value {
    json!({
        "type": {"const": kind},
        "url": {
            "type": "string",
            "format": "uri",
            "pattern": "^[hH][tT][tT][pP][sS]:",
            "description": "Where the node listens, without credentials.",
        },
        "domain": nullable(json!({
            "type": "string",
            "format": "host",
            "description": "The name to check in the node's certificate, where it is not the URL's host: \
                            a DNS name, an IPv4 address, or an IPv6 address in brackets.",
        })),
        "auth": auth,
        "privateHints": nullable(json!({
            "type": "boolean",
            "default": false,
            "description": "Whether invoices carry route hints for private channels.",
        })),
    })
}

/// Files on the machine of the LNURL service, read when the node is used.
fn files(names: &[&str]) -> Value {
    let needed = [&["type"], names].concat();
    let paths = names.iter().map(|name| ((*name).to_owned(), text()));
    let auth = closed(&needed, json!({"type": {"const": "path"}}));
    with(auth, Value::Object(paths.collect()))
}
