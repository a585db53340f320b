use std::{borrow::Borrow, sync::Arc};

use crate::invalid::{InvalidValue, text_newtype};

/// The name of a partition: `[A-Za-z0-9._~-]{1,64}`, so that it stands unescaped in a path.
///
/// Offers live in one partition, nodes serve one or more. Clones share one allocation.
///
/// ```
/// use switchgear_core::Partition;
///
/// assert!(Partition::try_new("eu-west.1").is_ok());
/// assert!(Partition::try_new("no spaces").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(Arc<str>);

impl Partition {
    /// The longest name, in characters.
    pub const MAX_LEN: usize = 64;

    /// Checks the name.
    ///
    /// # Errors
    /// When it is empty, longer than [`Self::MAX_LEN`], or holds another character.
    pub fn try_new(name: &str) -> Result<Self, InvalidValue> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        if name.is_empty() || name.len() > Self::MAX_LEN || !name.bytes().all(allowed) {
            return Err(InvalidValue::new(
                "partition",
                "must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'",
            ));
        }
        Ok(Self(name.into()))
    }
}

text_newtype!(Partition);

impl Borrow<str> for Partition {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn is_found_by_its_text_without_being_made_anew() {
        let names = ["eu", "us"].map(|name| Partition::try_new(name).unwrap());
        let hashed = HashSet::from(names.clone());
        let ordered = BTreeSet::from(names);
        assert!(hashed.contains("eu") && ordered.contains("us"));
        assert!(!hashed.contains("asia") && !ordered.contains("asia"));
    }

    #[test]
    fn takes_one_to_64_characters_that_stand_unescaped_in_a_path() {
        let longest = "x".repeat(Partition::MAX_LEN);
        for name in ["A", "z9", "a.b_c~d-e", &longest] {
            assert_eq!(Partition::try_new(name).unwrap().as_str(), name);
        }
        let longer = format!("{longest}x");
        for name in ["", "a b", "a/b", "a%20b", "é", "a\0", &longer] {
            let error = Partition::try_new(name).unwrap_err();
            assert_eq!(error.field(), "partition", "{name:?}");
            assert!(error.reason().starts_with("must be 1 to 64"), "{error}");
        }
    }
}
