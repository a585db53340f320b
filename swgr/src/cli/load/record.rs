use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use switchgear_core::{
    Partition,
    offer::{Offer, OfferMetadata},
};
use uuid::Uuid;

/// What a line holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    Metadata(Box<OfferMetadata>),
    Offer(Offer),
}

/// The kinds of record, in the order in which a file's are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Metadata,
    Offer,
}

/// What makes a record one and the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    kind: Kind,
    partition: Partition,
    id: Uuid,
}

impl Record {
    /// Reads a line: `{"metadata": {…}}`, `{"offer": {…}}`, or a record as GET shows it, which its
    /// fields tell.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let value =
            serde_json::from_slice(line).map_err(|error| format!("is not JSON: {error}"))?;
        let Value::Object(mut fields) = value else {
            return Err("must be a JSON object".to_owned());
        };
        match (
            fields.len(),
            fields.remove("metadata"),
            fields.remove("offer"),
        ) {
            (1, Some(Value::Object(metadata)), None) => Self::metadata(metadata),
            (1, None, Some(Value::Object(offer))) => Self::offer(offer),
            (_, None, None) => Self::bare(fields),
            _ => Err(r#"must be {"metadata": {…}}, {"offer": {…}} or a record itself"#.to_owned()),
        }
    }

    fn bare(fields: Map<String, Value>) -> Result<Self, String> {
        let has = |names: &[&str]| names.iter().any(|name| fields.contains_key(*name));
        let offer = has(&["metadataId", "minSendable", "maxSendable"]);
        match (offer, has(&["text", "longText", "image", "identifier"])) {
            (true, false) => Self::offer(fields),
            (false, true) => Self::metadata(fields),
            (true, true) => Err("has fields of an offer and of metadata".to_owned()),
            (false, false) => Err("is neither an offer nor metadata".to_owned()),
        }
    }

    fn metadata(fields: Map<String, Value>) -> Result<Self, String> {
        read(fields).map(|metadata| Self::Metadata(Box::new(metadata)))
    }

    fn offer(fields: Map<String, Value>) -> Result<Self, String> {
        read(fields).map(Self::Offer)
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Metadata(_) => Kind::Metadata,
            Self::Offer(_) => Kind::Offer,
        }
    }

    pub(super) fn key(&self) -> Key {
        let (partition, id) = match self {
            Self::Metadata(metadata) => (&metadata.partition, metadata.id),
            Self::Offer(offer) => (&offer.partition, offer.id),
        };
        Key {
            kind: self.kind(),
            partition: partition.clone(),
            id,
        }
    }

    /// The record that must exist before this one can.
    pub(super) fn needs(&self) -> Option<Key> {
        match self {
            Self::Metadata(_) => None,
            Self::Offer(offer) => Some(Key {
                kind: Kind::Metadata,
                partition: offer.partition.clone(),
                id: offer.metadata_id,
            }),
        }
    }
}

/// What GET gave can be loaded: its `location` is none of the record's own fields.
fn read<T: DeserializeOwned>(mut fields: Map<String, Value>) -> Result<T, String> {
    fields.remove("location");
    serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str =
        r#"{"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","partition":"default","text":"tea"}"#;
    const OFFER: &str = r#"{"id":"6ba7b811-9dad-11d1-80b4-00c04fd430c8","partition":"default",
        "metadataId":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","minSendable":1000,"maxSendable":2000,
        "timestamp":"2026-01-01T00:00:00Z","location":"default/6ba7b811-9dad-11d1-80b4-00c04fd430c8"}"#;

    fn parse(line: &str) -> Result<Record, String> {
        Record::parse(line.as_bytes())
    }

    #[test]
    fn tells_offers_from_metadata_bare_and_wrapped() {
        let metadata = parse(METADATA).unwrap();
        let offer = parse(OFFER).unwrap();
        assert_eq!(
            (metadata.kind(), offer.kind()),
            (Kind::Metadata, Kind::Offer)
        );
        assert_eq!(offer.needs(), Some(metadata.key()));
        assert_eq!(metadata.needs(), None);
        let wrapped = |name: &str, record: &str| parse(&format!(r#"{{"{name}": {record}}}"#));
        assert_eq!(wrapped("metadata", METADATA).unwrap(), metadata);
        assert_eq!(wrapped("offer", OFFER).unwrap(), offer);
    }

    #[test]
    fn says_why_a_line_is_no_record() {
        for (line, why) in [
            ("{", "is not JSON"),
            ("[]", "must be a JSON object"),
            ("{}", "neither an offer nor metadata"),
            (r#"{"id": 1}"#, "neither an offer nor metadata"),
            (r#"{"offer": 1}"#, r#"must be {"metadata""#),
            (r#"{"offer": {}, "metadata": {}}"#, r#"must be {"metadata""#),
            (
                r#"{"text": "a", "metadataId": 1}"#,
                "fields of an offer and of metadata",
            ),
            (r#"{"text": "a"}"#, "missing field `id`"),
            (
                &METADATA.replace("text", "longText"),
                "missing field `text`",
            ),
            (&METADATA.replace("tea", ""), "must not be empty"),
            (&OFFER.replace("2000", "1"), "minSendable"),
            (
                &OFFER.replace("location", "colour"),
                "unknown field `colour`",
            ),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
