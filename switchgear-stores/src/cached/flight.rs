use std::{error::Error, fmt, sync::Arc};

use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::{sync::watch, time::Instant};

use super::{Answer, key::Owned};

/// What a load brought home, for all who wait for it.
pub(super) type Landed = Result<Answer, Arc<StoreError>>;

/// A load under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) owner: Owned,
    pub(super) began: Instant,
    /// Whether there was an older offer to fall back on when it began.
    pub(super) has_fallback: bool,
    landed: watch::Receiver<Option<Landed>>,
}

impl Flight {
    /// A load that begins now, and where to put what it brings.
    pub(super) fn new(
        owner: Owned,
        began: Instant,
        has_fallback: bool,
    ) -> (Self, watch::Sender<Option<Landed>>) {
        let (sender, landed) = watch::channel(None);
        let flight = Self {
            owner,
            began,
            has_fallback,
            landed,
        };
        (flight, sender)
    }

    /// Waits for the end. Safe to cancel: the load goes on.
    pub(super) async fn landed(&self) -> Result<Answer, StoreError> {
        let mut landed = self.landed.clone();
        let landed = landed.wait_for(Option::is_some).await;
        match landed.ok().and_then(|landed| (*landed).clone()) {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(copy(error)),
            None => Err(lost()),
        }
    }
}

/// What waiters are told of a load that ended without a result: its task panicked or was ended.
pub(super) fn lost() -> StoreError {
    let message = "the look-up of an offer did not come to its end";
    StoreError::new(StoreErrorKind::Unavailable, message)
}

/// What is told of a look-up for which no load may be begun.
pub(super) fn crowded() -> StoreError {
    let message = "too many look-ups of offers wait for the store already";
    StoreError::new(StoreErrorKind::Unavailable, message)
}

/// One waiter's own copy of the error that all of them share.
fn copy(error: Arc<StoreError>) -> StoreError {
    let copy = StoreError::new(error.kind(), error.to_string());
    match error.source() {
        Some(_) => copy.with_source(SharedSource(error)),
        None => copy,
    }
}

/// The source of a shared error, in its place in the chain.
#[derive(Debug)]
struct SharedSource(Arc<StoreError>);

impl fmt::Display for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(source) => fmt::Display::fmt(source, f),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl Error for SharedSource {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()?.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_an_error_has_its_meaning_and_its_whole_chain() {
        let deepest = StoreError::new(StoreErrorKind::Timeout, "three");
        let middle = StoreError::new(StoreErrorKind::Timeout, "two").with_source(deepest);
        let shared = Arc::new(StoreError::new(StoreErrorKind::Remote, "one").with_source(middle));
        let copied = copy(shared);
        assert_eq!(copied.kind(), StoreErrorKind::Remote);
        let mut chain = vec![copied.to_string()];
        let mut source = copied.source();
        while let Some(error) = source {
            chain.push(error.to_string());
            source = error.source();
        }
        assert_eq!(chain, ["one", "two", "three"]);
        let bare = copy(Arc::new(StoreError::new(StoreErrorKind::Remote, "one")));
        assert!(bare.source().is_none());
    }
}
