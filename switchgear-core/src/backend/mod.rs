//! Node backends: what discovery knows of a Lightning node.

mod address;
mod implementation;
mod patch;
mod public_key;
mod store;
mod weight;
mod wire;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::{
    address::BackendAddress,
    implementation::{
        ClnAuth, ClnGrpc, CredentialPath, Domain, Implementation, LndAuth, LndGrpc, NodeUrl,
    },
    patch::BackendPatch,
    public_key::PublicKey,
    store::{BackendSnapshot, DiscoveryBackendStore, DiscoveryFeed, SnapshotVersion},
    weight::Weight,
};
use crate::{
    Partition,
    invalid::{InvalidValue, refuse_nul, text_newtype},
};

/// A Lightning node that invoices may be asked from.
///
/// Its JSON is the body of the discovery service:
///
/// ```
/// use switchgear_core::backend::Backend;
///
/// let backend: Backend = serde_json::from_str(r#"{
///     "address": {"url": "https://lnd-node.example.com"},
///     "name": "LND Node 1",
///     "partitions": ["default"],
///     "weight": 50,
///     "enabled": true,
///     "implementation": {
///         "type": "lndGrpc", "url": "https://192.168.1.101:10009", "domain": "lnd-node.local",
///         "auth": {"type": "path", "tlsCertPath": "/path/to/tls.cert", "macaroonPath": "/path/to/admin.macaroon"},
///         "ampInvoice": false
///     }
/// }"#).unwrap();
/// assert_eq!(backend.address.to_string(), "url/aHR0cHM6Ly9sbmQtbm9kZS5leGFtcGxlLmNvbS8");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backend {
    /// What identifies the node, everywhere and for ever.
    pub address: BackendAddress,
    /// A friendly name for administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<BackendName>,
    /// The partitions that the node serves.
    pub partitions: Partitions,
    /// The node's share; 0 drains it.
    pub weight: Weight,
    /// Whether the node takes part at all.
    pub enabled: bool,
    /// How the node is reached.
    pub implementation: Implementation,
}

impl Backend {
    /// Whether the node may be asked for invoices of `partition`: enabled, with weight, a member.
    pub fn is_eligible(&self, partition: &Partition) -> bool {
        self.enabled && !self.weight.is_zero() && self.partitions.contains(partition)
    }
}

/// A friendly name: 1 to 255 characters without U+0000.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendName(String);

impl BackendName {
    /// The longest name, in characters.
    pub const MAX_LEN: usize = 255;

    /// Checks the name.
    ///
    /// # Errors
    /// When it is empty, longer than [`Self::MAX_LEN`] characters, or holds U+0000.
    pub fn try_new(name: &str) -> Result<Self, InvalidValue> {
        refuse_nul("name", name)?;
        if name.is_empty() || name.chars().count() > Self::MAX_LEN {
            return Err(InvalidValue::new("name", "must be 1 to 255 characters"));
        }
        Ok(Self(name.to_owned()))
    }
}

text_newtype!(BackendName);

/// The partitions of a node: at least one, each once, in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Partition>")]
pub struct Partitions(BTreeSet<Partition>);

impl Partitions {
    /// Checks the list; a name that stands twice counts once.
    ///
    /// # Errors
    /// When it is empty.
    pub fn try_new(names: impl IntoIterator<Item = Partition>) -> Result<Self, InvalidValue> {
        let names: BTreeSet<_> = names.into_iter().collect();
        if names.is_empty() {
            return Err(InvalidValue::new("partitions", "must name at least one"));
        }
        Ok(Self(names))
    }

    /// Whether `partition` is among them.
    pub fn contains(&self, partition: &Partition) -> bool {
        self.0.contains(partition)
    }

    /// Each partition once, in alphabetical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Partition> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Partition>> for Partitions {
    type Error = InvalidValue;

    fn try_from(names: Vec<Partition>) -> Result<Self, Self::Error> {
        Self::try_new(names)
    }
}

#[cfg(test)]
mod tests;
