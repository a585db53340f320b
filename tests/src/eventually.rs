//! Waiting for an event with a bound, instead of sleeping.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// Between two looks; most looks read a file or ask the kernel.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `probe` finds something, at most `within`.
///
/// `Ok(Some(found))` ends the wait, `Ok(None)` means not yet, `Err` ends it at once. The error of a wait that ran out
/// names `what` was waited for. A probe that hangs is not cut short: give what it calls a limit of its own.
///
/// # Errors
///
/// The probe's own error, or that `within` passed.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = probe().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {within:?} in vain for {what}");
        }
        sleep(PAUSE).await;
    }
}
