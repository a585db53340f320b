//! What all store traits share: their error, and the paging of lists.

use std::error::Error;

use uuid::Uuid;

/// What a store's failure means to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// A record with this key exists.
    Conflict,
    /// The record to change does not exist.
    NotFound,
    /// The request contradicts other records: an offer without its metadata, an unknown page key.
    Invalid,
    /// The store itself could not answer: a database that is down, a full disk.
    Unavailable,
    /// A remote store could not be asked, or refused this client: never the caller's fault.
    Remote,
    /// No answer within the time allowed.
    Timeout,
}

/// A store's failure: its meaning, a message of its own level, and its source.
///
/// The message may be shown to an administrator for `Conflict`, `NotFound` and `Invalid`; the source
/// (SQL, addresses, paths) belongs in the log.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// A failure without a deeper source.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Keeps `source` as the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the failure means.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

/// What a PUT did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The record is new.
    Created,
    /// The record stood before and was replaced.
    Updated,
}

/// Where a page of a list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// Behind so many records.
    Offset(u64),
    /// Behind the record with this id; cost does not grow with depth.
    After(Uuid),
}

/// A page of a list in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Where it begins.
    pub start: PageStart,
    /// At most so many records.
    pub count: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_its_own_level_and_keeps_the_cause_for_the_log() {
        let bare = StoreError::new(StoreErrorKind::NotFound, "no such offer");
        assert_eq!(bare.kind(), StoreErrorKind::NotFound);
        assert!(bare.source().is_none());

        let error = StoreError::new(StoreErrorKind::Unavailable, "cannot read offers")
            .with_source("no route to db.internal");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(error.to_string(), "cannot read offers");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "no route to db.internal");
    }
}
