use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Identifier, Image};
use crate::{
    Partition,
    invalid::{InvalidValue, refuse_nul, text_newtype},
};

/// What a wallet shows of an offer before and after payment (LUD-06, LUD-16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferMetadata {
    /// Unique within the partition.
    pub id: Uuid,
    /// Where the record lives; with `id`, its key.
    pub partition: Partition,
    /// The short description.
    pub text: Text,
    /// A long description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_text: Option<Text>,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Whom the payment reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
}

/// A description: not empty, without U+0000.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Text(String);

impl Text {
    /// Checks the text.
    ///
    /// # Errors
    /// When it is empty or holds U+0000.
    pub fn try_new(text: &str) -> Result<Self, InvalidValue> {
        refuse_nul("text", text)?;
        if text.is_empty() {
            return Err(InvalidValue::new("text", "must not be empty"));
        }
        Ok(Self(text.to_owned()))
    }
}

text_newtype!(Text);
