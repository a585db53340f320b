use serde::{Deserialize, Serialize};

use crate::invalid::{InvalidValue, text_newtype};

/// Whom a payment reaches, as `text/identifier` or `text/email` in the metadata (LUD-16).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Identifier {
    /// An internet identifier that is no mailbox.
    Text(InternetAddress),
    /// A mailbox.
    Email(InternetAddress),
}

/// `name@domain`: one `@`, a name without white space, a domain of dotted labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InternetAddress(String);

impl InternetAddress {
    /// The longest address, in bytes (RFC 5321: 64 + 1 + 255).
    pub const MAX_LEN: usize = 320;

    /// Checks the address's form; nobody asks whether it exists.
    ///
    /// # Errors
    /// When it is not of the form `name@domain`.
    pub fn try_new(address: &str) -> Result<Self, InvalidValue> {
        let well_formed = address.len() <= Self::MAX_LEN
            && address
                .split_once('@')
                .is_some_and(|(name, domain)| is_name(name) && is_domain(domain));
        if !well_formed {
            return Err(InvalidValue::new(
                "identifier",
                "must be an address such as name@example.com",
            ));
        }
        Ok(Self(address.to_owned()))
    }
}

text_newtype!(InternetAddress);

fn is_name(name: &str) -> bool {
    let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>()[]\\,;:\"".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(allowed)
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= 255 && domain.split('.').all(label)
}
