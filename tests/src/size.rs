//! How much of a test is run.

use std::time::Duration;

/// Whether `tests/run --long` wants the whole sizes.
#[must_use]
pub fn is_long() -> bool {
    std::env::var("SWITCHGEAR_LONG").is_ok_and(|long| long == "true")
}

/// The first where a test runs for every push, the second in its whole size.
#[must_use]
pub fn size<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// [`size`] of a number of seconds.
#[must_use]
pub fn seconds(short: u64, long: u64) -> Duration {
    Duration::from_secs(size(short, long))
}
