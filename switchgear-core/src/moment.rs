use std::time::Duration;

/// A point of monotonic time, in nanoseconds since an origin that the shell chose.
///
/// The core reads no clock: whoever drives it says what time it is. Differences saturate, so a
/// clock that steps back yields zero instead of a panic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The origin itself.
    pub const ORIGIN: Self = Self(0);

    /// The moment `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment `elapsed` after the origin.
    pub fn after_origin(elapsed: Duration) -> Self {
        Self::ORIGIN + elapsed
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was, zero when it was not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_steps_back_has_passed_no_time() {
        let earlier = Moment::after_origin(Duration::from_millis(2));
        let later = earlier + Duration::from_nanos(1);
        assert_eq!(later.as_nanos(), 2_000_001);
        assert_eq!(later.since(earlier), Duration::from_nanos(1));
        assert_eq!(earlier.since(later), Duration::ZERO);
    }

    #[test]
    fn a_wait_without_end_ends_at_the_last_moment() {
        let last = Moment::from_nanos(u64::MAX);
        assert_eq!(Moment::from_nanos(7) + Duration::MAX, last);
        assert_eq!(last + Duration::from_nanos(1), last);
    }
}
