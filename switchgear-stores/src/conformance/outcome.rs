use std::fmt::Debug;

use switchgear_core::store::{StoreError, StoreErrorKind};

/// The value of a call that must not fail.
#[track_caller]
pub(super) fn done<T>(result: Result<T, StoreError>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what} must not fail: {:?}: {error:?}", error.kind()),
    }
}

/// Checks that a call was refused, with the right meaning and with words for an administrator.
#[track_caller]
pub(super) fn refused<T: Debug>(
    result: Result<T, StoreError>,
    kind: StoreErrorKind,
    words: &str,
    what: &str,
) {
    match result {
        Ok(value) => panic!("{what} must be refused as {kind:?}, and was done: {value:?}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{what}: {error:?}");
            let message = error.to_string();
            assert!(
                message.contains(words),
                "{what}: {message:?} does not name {words}"
            );
        }
    }
}
