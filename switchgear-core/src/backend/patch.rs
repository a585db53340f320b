use serde::{Deserialize, Deserializer, Serialize};

use super::{Backend, BackendName, Partitions, Weight};

/// The quick changes of a backend: what is absent stays as it is.
///
/// ```
/// use switchgear_core::backend::{BackendPatch, Weight};
///
/// let patch: BackendPatch = serde_json::from_str(r#"{"weight": 0, "name": null}"#).unwrap();
/// assert_eq!(patch.weight, Some(Weight::DRAIN));
/// assert_eq!(patch.name, Some(None)); // null clears the name
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackendPatch {
    /// `Some(None)`, on the wire `null`, clears the name.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<Option<BackendName>>,
    /// All partitions anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Partitions>,
    /// The new weight; 0 drains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Whether the node takes part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl BackendPatch {
    /// Only switches the node on or off.
    pub fn enabled(enabled: bool) -> Self {
        Self {
            enabled: Some(enabled),
            ..Self::default()
        }
    }

    /// Changes `backend` in place.
    pub fn apply(&self, backend: &mut Backend) {
        if let Some(name) = &self.name {
            backend.name.clone_from(name);
        }
        if let Some(partitions) = &self.partitions {
            backend.partitions.clone_from(partitions);
        }
        if let Some(weight) = self.weight {
            backend.weight = weight;
        }
        if let Some(enabled) = self.enabled {
            backend.enabled = enabled;
        }
    }
}

/// Tells a `null` (`Some(None)`) from an absent field (`None`, by `default`).
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
