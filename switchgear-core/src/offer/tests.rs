use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

/// A PNG of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

fn offer_json() -> serde_json::Value {
    serde_json::json!({
        "partition": "default",
        "id": "6a38ebdd-83ef-4b94-b843-3b18cd90a833",
        "maxSendable": 1_000_000,
        "minSendable": 1_000,
        "metadataId": "88deff7e-ca45-4144-8fca-286a5a18fb1a",
        "timestamp": "2024-01-01T00:00:00.1234567Z",
        "expires": "2024-12-31T23:59:59Z"
    })
}

fn metadata_json() -> serde_json::Value {
    serde_json::json!({
        "id": "88deff7e-ca45-4144-8fca-286a5a18fb1a",
        "partition": "default",
        "text": "Lightning \"Payment\" ⚡",
        "longText": "line\nbreak",
        "image": {"png": PNG},
        "identifier": {"email": "payments@example.com"}
    })
}

fn offer_refusal(field: &str, value: serde_json::Value) -> String {
    let mut json = offer_json();
    json[field] = value;
    serde_json::from_value::<Offer>(json)
        .unwrap_err()
        .to_string()
}

fn metadata_refusal(field: &str, value: serde_json::Value) -> String {
    let mut json = metadata_json();
    json[field] = value;
    serde_json::from_value::<OfferMetadata>(json)
        .unwrap_err()
        .to_string()
}

#[test]
fn keeps_times_to_the_microsecond_and_knows_its_validity() {
    let offer: Offer = serde_json::from_value(offer_json()).unwrap();
    let start = offer.validity.timestamp();
    assert_eq!(start.timestamp_subsec_nanos(), 123_456_000);
    let microsecond = chrono::TimeDelta::microseconds(1);
    let end = offer.validity.expires().unwrap();
    assert!(!offer.validity.contains(start - microsecond));
    assert!(offer.validity.contains(start));
    assert!(offer.validity.contains(end - microsecond));
    assert!(!offer.validity.contains(end));
    let again: Offer = serde_json::from_value(serde_json::to_value(&offer).unwrap()).unwrap();
    assert_eq!(again, offer);
}

#[test]
fn refuses_offers_whose_amounts_contradict_themselves() {
    assert!(offer_refusal("minSendable", 0.into()).starts_with("minSendable: must be at least"));
    assert!(offer_refusal("minSendable", 1_000_001.into()).contains("above maxSendable"));
    assert!(offer_refusal("maxSendable", (1_u64 << 63).into()).starts_with("maxSendable"));
    assert!(offer_refusal("maxSendable", (-1).into()).contains("-1"));
    assert!(offer_refusal("maxSendable", 1.5.into()).contains("1.5"));
    assert!(offer_refusal("expired", true.into()).contains("expired"));
    for field in ["timestamp", "expires"] {
        let message = offer_refusal(field, "2024-01-01 00:00:00Z".into());
        assert!(
            message.starts_with(&format!("{field}: must be an RFC 3339")),
            "{message}"
        );
    }
}

#[test]
fn renders_metadata_in_the_order_of_the_documents() {
    let metadata: OfferMetadata = serde_json::from_value(metadata_json()).unwrap();
    let rendered = crate::lnurl::PayMetadata::render(&metadata);
    let expected = format!(
        r#"[["text/plain","Lightning \"Payment\" ⚡"],["text/long-desc","line\nbreak"],["image/png;base64","{PNG}"],["text/email","payments@example.com"]]"#
    );
    assert_eq!(rendered.as_str(), expected);

    let bare = OfferMetadata {
        long_text: None,
        image: None,
        identifier: None,
        text: Text::try_new("x").unwrap(),
        ..metadata
    };
    let rendered = crate::lnurl::PayMetadata::render(&bare);
    assert_eq!(rendered.as_str(), r#"[["text/plain","x"]]"#);
    // printf '[["text/plain","x"]]' | sha256sum
    assert_eq!(
        hex::encode(rendered.hash()),
        "accb67228cca8af3257f92c0a92dcb1513afa9e545c5c9bb03f0bbc54806793a"
    );
}

#[test]
fn renders_a_jpeg_and_an_identifier_that_is_no_mailbox() {
    let jpeg = STANDARD.encode([0xff, 0xd8, 0xff, 0xe0, 0, 16]);
    let mut json = metadata_json();
    json["longText"] = serde_json::Value::Null;
    json["image"] = serde_json::json!({"jpeg": jpeg});
    json["identifier"] = serde_json::json!({"text": "alice@example.com"});
    let metadata: OfferMetadata = serde_json::from_value(json).unwrap();
    let rendered = crate::lnurl::PayMetadata::render(&metadata);
    let expected = format!(
        r#"[["text/plain","Lightning \"Payment\" ⚡"],["image/jpeg;base64","{jpeg}"],["text/identifier","alice@example.com"]]"#
    );
    assert_eq!(rendered.as_str(), expected);
}

#[test]
fn keeps_a_picture_out_of_logs() {
    let image = Image::try_png(PNG).unwrap();
    let shown = format!("{image:?}");
    assert_eq!(shown, format!("Png(ImageData({} characters))", PNG.len()));
}

/// The head of a PNG.
fn png(length: u32, kind: &[u8; 4], width: u32, height: u32) -> Vec<u8> {
    let [length, width, height] = [length, width, height].map(u32::to_be_bytes);
    let rest = [8, 6, 0, 0, 0, 1, 2, 3, 4];
    let parts: [&[u8]; 6] = [b"\x89PNG\r\n\x1a\n", &length, kind, &width, &height, &rest];
    parts.concat()
}

#[test]
fn takes_pictures_of_both_kinds() {
    let taken = STANDARD.encode(png(13, b"IHDR", 1, 1));
    assert!(Image::try_png(&taken).is_ok());
    for marker in [0xe0, 0xe1, 0xdb, 0xc0, 0xfe, 0xff] {
        let bytes = [0xff, 0xd8, 0xff, marker, 0xe0, 16];
        assert!(
            Image::try_jpeg(&STANDARD.encode(bytes)).is_ok(),
            "{marker:x}"
        );
    }
}

#[test]
fn refuses_metadata_that_no_wallet_could_show() {
    assert!(metadata_refusal("text", "".into()).contains("must not be empty"));
    assert!(metadata_refusal("text", "a\0b".into()).contains("U+0000"));
    assert!(metadata_refusal("image", serde_json::json!({"jpeg": PNG})).contains("not a jpeg"));
    assert!(metadata_refusal("image", serde_json::json!({"png": "####"})).contains("base64"));
    assert!(metadata_refusal("image", serde_json::json!({"gif": PNG})).contains("gif"));
    for (kind, bytes) in [
        ("png", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("png", png(13, b"IDAT", 1, 1)),
        ("png", png(12, b"IHDR", 1, 1)),
        ("png", png(13, b"IHDR", 0, 1)),
        ("png", png(13, b"IHDR", 1, 0)),
        ("png", png(13, b"IHDR", 1 << 31, 1)),
        ("png", png(13, b"IHDR", 1, 1)[..32].to_vec()),
        ("jpeg", vec![0xff, 0xd8]),
        ("jpeg", vec![0xff, 0xd8, 0xff]),
        ("jpeg", vec![0xff, 0xd8, 0xff, 0x00]),
        ("jpeg", vec![0xff, 0xd8, 0xff, 0xd9]),
        ("jpeg", vec![0xff, 0xd8, 0xff, 0xd0]),
    ] {
        let message = metadata_refusal("image", serde_json::json!({kind: STANDARD.encode(&bytes)}));
        assert!(
            message.contains(&format!("not a {kind}")),
            "{bytes:x?}: {message}"
        );
    }
    let long = "A".repeat(ImageData::MAX_LEN + 4);
    assert!(metadata_refusal("image", serde_json::json!({"png": long})).contains("136536"));
    for address in [
        "", "a", "@", "a@", "@b", "a@b@c", "a b@c.d", "a@b..c", "a@-b", "a\n@b",
    ] {
        let message = metadata_refusal("identifier", serde_json::json!({"text": address}));
        assert!(message.contains("identifier"), "{address:?}: {message}");
    }
}
