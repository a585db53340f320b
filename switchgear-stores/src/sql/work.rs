use std::{pin::Pin, time::Duration};

use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::time::timeout;

use super::Fault;

/// Work on a borrowed connection.
pub(crate) type Work<'c, R> = Pin<Box<dyn Future<Output = Result<R, Fault>> + Send + 'c>>;

/// Runs work on a task of its own, for `limit` at most.
///
/// A caller that hangs up cannot cancel a write midway, and cannot leave a connection behind with a
/// query still running in it.
pub(crate) async fn detached<R: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = Result<R, StoreError>> + Send + 'static,
) -> Result<R, StoreError> {
    match tokio::spawn(timeout(limit, work)).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(StoreError::new(
            StoreErrorKind::Timeout,
            "the database did not answer in time",
        )),
        Err(error) => {
            let message = "work on the database did not come to its end";
            Err(StoreError::new(StoreErrorKind::Unavailable, message).with_source(error))
        }
    }
}
