//! LUD-06 and LUD-16: the metadata of a payRequest, rendered in the one place that knows how.
//! <https://github.com/lnurl/luds/blob/luds/06.md>, <https://github.com/lnurl/luds/blob/luds/16.md>,
//! and `text/long-desc` from LUD-20: <https://github.com/lnurl/luds/blob/luds/20.md>

use std::{fmt, sync::Arc};

use bitcoin_hashes::{Hash as _, sha256};

use crate::offer::{Identifier, OfferMetadata};

/// The metadata string exactly as it is served, and its SHA-256, which the invoice commits to.
#[derive(Clone, PartialEq, Eq)]
pub struct PayMetadata {
    text: Arc<str>,
    hash: [u8; 32],
}

impl PayMetadata {
    /// Renders the JSON array of a record: text, long text, image, identifier; absent parts left out.
    pub fn render(metadata: &OfferMetadata) -> Self {
        let mut entries = vec![("text/plain", metadata.text.as_str())];
        if let Some(text) = &metadata.long_text {
            entries.push(("text/long-desc", text.as_str()));
        }
        if let Some(image) = &metadata.image {
            entries.push(image.parts());
        }
        match &metadata.identifier {
            Some(Identifier::Text(address)) => entries.push(("text/identifier", address.as_str())),
            Some(Identifier::Email(address)) => entries.push(("text/email", address.as_str())),
            None => {}
        }
        let text = serde_json::to_string(&entries)
            .unwrap_or_else(|_| unreachable!("pairs of text are always JSON"));
        Self::from_served(text)
    }

    /// Takes a string that is served as it stands.
    pub fn from_served(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let hash = sha256::Hash::hash(text.as_bytes()).to_byte_array();
        Self { text, hash }
    }

    /// The string as served.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the string's bytes: an invoice's description hash.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

impl fmt::Debug for PayMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayMetadata({} bytes)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_text_out_of_logs() {
        let metadata = PayMetadata::from_served(r#"[["text/plain","for Alice"]]"#);
        assert_eq!(format!("{metadata:?}"), "PayMetadata(28 bytes)");
    }
}
