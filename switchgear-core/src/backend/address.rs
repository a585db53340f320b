use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::PublicKey;
use crate::invalid::InvalidValue;

/// What identifies a backend: its node's public key, or a URL.
///
/// Its path form, which [`fmt::Display`] writes and [`FromStr`] reads, is `pk/<66 hex>` or
/// `url/<base64url without padding>`; a bare hex key is read too. A URL is kept in its WHATWG form,
/// so that two spellings of one address are one.
///
/// ```
/// use switchgear_core::backend::BackendAddress;
///
/// let one: BackendAddress = "url/aHR0cHM6Ly9MTkQuZXhhbXBsZS5jb20".parse().unwrap(); // https://LND.example.com
/// let two: BackendAddress = "url/aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v".parse().unwrap(); // https://lnd.example.com/
/// assert_eq!(one, two);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BackendAddress {
    /// The node's own key; invoices must then be signed by it.
    PublicKey(PublicKey),
    /// Any URL that names the node.
    Url(Url),
}

impl BackendAddress {
    /// The longest URL, in bytes of its WHATWG form.
    pub const MAX_URL_LEN: usize = 2_048;

    /// An address by URL.
    ///
    /// # Errors
    /// When `text` is not an absolute URL, carries credentials, or is longer than
    /// [`Self::MAX_URL_LEN`].
    pub fn try_from_url(text: &str) -> Result<Self, InvalidValue> {
        let url = Url::parse(text)
            .map_err(|error| InvalidValue::new("address", format!("is not a URL: {error}")))?;
        // Addresses are shown everywhere.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidValue::new("address", "must not carry credentials"));
        }
        if url.as_str().len() > Self::MAX_URL_LEN {
            return Err(InvalidValue::new(
                "address",
                format!("must be at most {} bytes", Self::MAX_URL_LEN),
            ));
        }
        Ok(Self::Url(url))
    }

    /// The key that the node must sign its invoices with, where the address says it.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::PublicKey(key) => Some(key),
            Self::Url(_) => None,
        }
    }

    /// What a person reads: the hex key, or the URL itself.
    pub fn readable(&self) -> String {
        match self {
            Self::PublicKey(key) => key.to_string(),
            Self::Url(url) => url.to_string(),
        }
    }
}

impl fmt::Display for BackendAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicKey(key) => write!(f, "pk/{key}"),
            Self::Url(url) => write!(f, "url/{}", URL_SAFE_NO_PAD.encode(url.as_str())),
        }
    }
}

impl FromStr for BackendAddress {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            None => text.parse().map(Self::PublicKey),
            Some(("pk", key)) => key.parse().map(Self::PublicKey),
            Some(("url", encoded)) => URL_SAFE_NO_PAD
                .decode(encoded)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| {
                    InvalidValue::new("address", "must be base64url without padding behind url/")
                })
                .and_then(|url| Self::try_from_url(&url)),
            Some(_) => Err(InvalidValue::new(
                "address",
                "must be pk/<66 hex>, url/<base64url> or a bare hex key",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for BackendAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", rename = "BackendAddress")]
        enum Wire {
            PublicKey(PublicKey),
            Url(String),
        }

        match Wire::deserialize(deserializer)? {
            Wire::PublicKey(key) => Ok(Self::PublicKey(key)),
            Wire::Url(url) => Self::try_from_url(&url).map_err(serde::de::Error::custom),
        }
    }
}
