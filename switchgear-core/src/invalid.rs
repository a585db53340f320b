use std::fmt;

/// Why a value was refused at the edge: the field that it was meant for, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidValue {
    field: &'static str,
    reason: String,
}

impl InvalidValue {
    /// Refuses a value meant for `field` (its name on the wire) because of `reason`.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self {
            field,
            reason: reason.into(),
        }
    }

    /// The field's name as it stands on the wire, `minSendable` for example.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What the value must be, without the field's name.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// Implements the conversions of a text newtype from its one checked constructor, `try_new(&str)`.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text as it was accepted.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidValue;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::try_new(&text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::try_new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use text_newtype;

/// Refuses U+0000, which PostgreSQL cannot hold and no payer can read.
pub(crate) fn refuse_nul(field: &'static str, text: &str) -> Result<(), InvalidValue> {
    if text.contains('\0') {
        return Err(InvalidValue::new(field, "must not contain U+0000"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Partition, backend::BackendName, offer::InternetAddress};

    #[test]
    fn says_the_field_and_what_it_must_be() {
        let error = InvalidValue::new("minSendable", "must be at least 1 msat");
        assert_eq!(error.to_string(), "minSendable: must be at least 1 msat");
        assert_eq!(error.field(), "minSendable");
        assert_eq!(error.reason(), "must be at least 1 msat");
    }

    #[test]
    fn a_text_is_the_same_by_every_way_in_and_out() {
        let text = "eu-west.1";
        let partition = Partition::try_new(text).unwrap();
        assert_eq!(text.parse(), Ok(partition.clone()));
        assert_eq!(Partition::try_from(text.to_owned()), Ok(partition.clone()));
        assert_eq!(
            serde_json::from_str::<Partition>(r#""eu-west.1""#).unwrap(),
            partition
        );
        assert_eq!(partition.as_str(), text);
        assert_eq!(partition.to_string(), text);
        assert_eq!(serde_json::to_string(&partition).unwrap(), r#""eu-west.1""#);
    }

    #[test]
    fn a_bad_text_is_refused_for_the_same_reason_by_every_way_in() {
        let refusal = InternetAddress::try_new("nobody").unwrap_err();
        assert_eq!("nobody".parse::<InternetAddress>(), Err(refusal.clone()));
        assert_eq!(
            InternetAddress::try_from("nobody".to_owned()),
            Err(refusal.clone())
        );
        let by_json = serde_json::from_str::<InternetAddress>(r#""nobody""#).unwrap_err();
        assert!(
            by_json.to_string().starts_with(&refusal.to_string()),
            "{by_json}"
        );
    }

    #[test]
    fn counts_a_name_in_characters_and_bears_no_nul() {
        assert!(BackendName::try_new(&"é".repeat(BackendName::MAX_LEN)).is_ok());
        let longer = BackendName::try_new(&"é".repeat(BackendName::MAX_LEN + 1));
        assert_eq!(longer.unwrap_err().reason(), "must be 1 to 255 characters");
        let nul = BackendName::try_new("a\0b").unwrap_err();
        assert_eq!(nul.to_string(), "name: must not contain U+0000");
    }
}
