use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// The present moment on the wall clock.
pub(crate) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}
