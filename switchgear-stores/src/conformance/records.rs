//! The records of the suite: ordinary ones, and the longest and strangest that are legal.

use chrono::{DateTime, Utc};
use serde_json::json;
use switchgear_core::{
    Millisatoshi, Partition,
    backend::{Backend, BackendAddress, BackendName, Weight},
    offer::{
        Identifier, Image, ImageData, InternetAddress, Offer, OfferMetadata, SendableRange, Text,
        Validity,
    },
};
use uuid::Uuid;

/// Four-byte letters, combining and bidirectional marks, control characters, quotes: all but U+0000.
pub(super) const STRANGE: &str =
    "⚡ 𝄞 e\u{301} \u{202e}abc\u{202c} \r\n\t\u{7} '; DROP TABLE offers; -- \"\\\" \u{10ffff}";

/// Texts that a database's collation may take for one: case, accents composed and not, width, spaces
/// at the end, digits, what has no weight, and right to left.
pub(super) const SIMILAR: [&str; 14] = [
    "resume",
    "Resume",
    "r\u{e9}sum\u{e9}",
    "re\u{301}sume\u{301}",
    "\u{ff52}esume",
    "resume ",
    "resume  ",
    " resume",
    "resume\t",
    "resume\u{200b}",
    "stra\u{df}e",
    "strasse",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{202b}\u{645}\u{631}\u{62d}\u{628}\u{627}\u{202c}",
    "\u{1f469}\u{200d}\u{1f680}\u{1f3fd}",
];

/// The second multiple of secp256k1's generator.
const PUBLIC_KEY: &str = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";

pub(super) fn backend(host: &str) -> Backend {
    serde_json::from_value(json!({
        "address": {"url": format!("https://{host}.example")},
        "name": host,
        "partitions": ["default", "eu"],
        "weight": 10,
        "enabled": true,
        "implementation": {
            "type": "lndGrpc",
            "url": "https://127.0.0.1:10009",
            "domain": "lnd.example",
            "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/m"},
            "ampInvoice": true,
            "privateHints": true,
        },
    }))
    .expect("an ordinary backend")
}

pub(super) fn nameless_cln_by_public_key() -> Backend {
    serde_json::from_value(json!({
        "address": {"publicKey": PUBLIC_KEY},
        "partitions": ["default"],
        "weight": 0,
        "enabled": false,
        "implementation": {
            "type": "clnGrpc",
            "url": "https://[::1]:9736",
            "auth": {
                "type": "path", "caCertPath": "/ca", "clientCertPath": STRANGE, "clientKeyPath": "/key",
            },
        },
    }))
    .expect("an ordinary backend")
}

pub(super) fn extreme_backend() -> Backend {
    // Of random letters: what a database can compress is not yet long.
    let mut url = String::from("https://example/");
    while url.len() < BackendAddress::MAX_URL_LEN {
        url.push_str(&Uuid::new_v4().simple().to_string());
    }
    url.truncate(BackendAddress::MAX_URL_LEN);
    let letters = BackendName::MAX_LEN - STRANGE.chars().count();
    let name = format!("{STRANGE}{}", "⚡".repeat(letters));
    let partitions = (0..100).map(|n| format!("{n:.>64}"));
    Backend {
        address: BackendAddress::try_from_url(&url).expect("the longest URL"),
        name: Some(BackendName::try_new(&name).expect("the longest name")),
        partitions: partitions
            .map(|name| Partition::try_new(&name).expect("the longest partition"))
            .collect::<Vec<_>>()
            .try_into()
            .expect("many partitions"),
        weight: Weight::new(u16::MAX),
        ..backend("extreme")
    }
}

/// A partition that no other run of the suite uses.
pub(super) fn partition() -> Partition {
    named_partition(&format!("suite-{}", Uuid::new_v4().simple()))
}

pub(super) fn named_partition(name: &str) -> Partition {
    Partition::try_new(name).expect("a legal name")
}

pub(super) fn metadata(partition: &Partition) -> OfferMetadata {
    OfferMetadata {
        id: Uuid::new_v4(),
        partition: partition.clone(),
        text: text("Lightning Payment"),
        long_text: None,
        image: None,
        identifier: None,
    }
}

pub(super) fn extreme_metadata(partition: &Partition) -> OfferMetadata {
    // The base64 text of the head of a PNG with one pixel, then zeros.
    let start = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB";
    let image = format!("{start}{}", "A".repeat(ImageData::MAX_LEN - start.len()));
    let address = InternetAddress::try_new("grüße@bücher.example").expect("an address");
    OfferMetadata {
        text: text(STRANGE),
        long_text: Some(text(&STRANGE.repeat(100_000 / STRANGE.len() + 1))),
        image: Some(Image::try_png(&image).expect("the longest picture")),
        identifier: Some(Identifier::Email(address)),
        ..metadata(partition)
    }
}

/// The other kinds of picture and address.
pub(super) fn other_extreme_metadata(partition: &Partition) -> OfferMetadata {
    // The base64 text of the head of a JPEG, then zeros.
    let start = "/9j/4AAQSkZJRgABAQAA";
    let image = format!("{start}{}", "A".repeat(ImageData::MAX_LEN - start.len()));
    let host = format!("{}.example", "a".repeat(60));
    let address = InternetAddress::try_new(&format!("a@{host}")).expect("an address");
    OfferMetadata {
        text: text(&"\u{10ffff}".repeat(25_000)),
        image: Some(Image::try_jpeg(&image).expect("the longest picture")),
        identifier: Some(Identifier::Text(address)),
        ..metadata(partition)
    }
}

pub(super) fn text(text: &str) -> Text {
    Text::try_new(text).expect("a legal text")
}

pub(super) fn offer(metadata: &OfferMetadata) -> Offer {
    Offer {
        partition: metadata.partition.clone(),
        id: Uuid::new_v4(),
        sendable: range(1_000, 1_000_000),
        metadata_id: metadata.id,
        validity: Validity::new(time("2024-01-01T00:00:00.000001Z"), None),
    }
}

pub(super) fn extreme_offer(metadata: &OfferMetadata) -> Offer {
    let end = time("9999-12-31T23:59:59.999999Z");
    Offer {
        sendable: range(1, SendableRange::LARGEST.msat()),
        validity: Validity::new(time("1969-12-31T23:59:59.999999Z"), Some(end)),
        ..offer(metadata)
    }
}

pub(super) fn offers_at_the_edges(metadata: &OfferMetadata) -> Vec<Offer> {
    let largest = SendableRange::LARGEST.msat();
    let amounts = [
        (1, 1),
        (1, largest),
        (largest, largest),
        (largest - 1, largest),
    ];
    let first = "0000-01-01T00:00:00Z";
    let last = "9999-12-31T23:59:59.999999Z";
    let times = [
        (first, Some("0000-01-01T00:00:00.000001Z")),
        (first, Some(last)),
        (last, None),
        ("1969-12-31T23:59:59.999999Z", Some("1970-01-01T00:00:00Z")),
        ("1582-10-10T12:00:00.000001Z", Some("2038-01-19T03:14:08Z")),
        (
            "2016-12-31T23:59:59.5Z",
            Some("2024-02-29T00:00:00.123456Z"),
        ),
    ];
    let amounts = amounts.into_iter().map(|(min, max)| Offer {
        sendable: range(min, max),
        ..offer(metadata)
    });
    let times = times.into_iter().map(|(timestamp, expires)| Offer {
        validity: Validity::new(time(timestamp), expires.map(time)),
        ..offer(metadata)
    });
    amounts.chain(times).collect()
}

pub(super) fn range(min: u64, max: u64) -> SendableRange {
    SendableRange::try_new(Millisatoshi::new(min), Millisatoshi::new(max)).expect("a legal range")
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a legal time")
}
