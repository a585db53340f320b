use std::{fmt, str::FromStr};

use crate::invalid::InvalidValue;

/// A node's identity: a compressed secp256k1 public key that lies on the curve, 66 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(secp256k1::PublicKey);

impl PublicKey {
    /// The 33 bytes of the compressed form.
    pub fn serialize(&self) -> [u8; 33] {
        self.0.serialize()
    }
}

impl FromStr for PublicKey {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || {
            InvalidValue::new(
                "publicKey",
                "must be a compressed secp256k1 public key of 66 hex digits",
            )
        };
        let mut bytes = [0_u8; 33];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| refuse())?;
        secp256k1::PublicKey::from_slice(&bytes)
            .map(Self)
            .map_err(|_| refuse())
    }
}

impl From<secp256k1::PublicKey> for PublicKey {
    fn from(key: secp256k1::PublicKey) -> Self {
        Self(key)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex::encode(self.0.serialize()))
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
