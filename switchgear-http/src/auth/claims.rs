use serde::{Deserialize, Serialize};

use super::Audience;

/// What a good token says. Its JSON is that of the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whom the token is for: one name, or several.
    pub aud: OneOrMany,
    /// From which second of the Unix epoch on it is expired.
    pub exp: u64,
    /// When it was made, in seconds of the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// Before which second of the Unix epoch it is not good yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Who holds it: the name in the log of administrative writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

impl Claims {
    /// Whether `audience` is among those whom the token is for.
    pub fn is_for(&self, audience: Audience) -> bool {
        match &self.aud {
            OneOrMany::One(name) => name == audience.as_str(),
            OneOrMany::Many(names) => names.iter().any(|name| name == audience.as_str()),
        }
    }
}

/// A name or a list of names, as RFC 7519 (4.1.3) lets `aud` be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One name.
    One(String),
    /// Any number of names.
    Many(Vec<String>),
}
