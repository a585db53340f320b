//! One side of a comparison.

use std::{
    fmt,
    hint::black_box,
    time::{Duration, Instant},
};

/// The most calls of one sample, so that calibrating a call that was optimised away ends.
const MAX_CALLS: u64 = 1 << 32;

/// Something to call over and over, timed in blocks of calls.
pub struct Side<'a> {
    /// The loop is inside the box: a sample pays for one dynamic call, not each of its calls.
    run: Box<dyn FnMut(u64) + 'a>,
}

impl<'a> Side<'a> {
    /// A side that calls `call`. What it returns is kept from the optimiser; what it reads is the
    /// caller's to keep from it, with [`black_box`].
    pub fn new<T>(mut call: impl FnMut() -> T + 'a) -> Self {
        Self {
            run: Box::new(move |calls| {
                for _ in 0..calls {
                    black_box(call());
                }
            }),
        }
    }

    /// How many calls take about `sample`; finding out also warms this side up.
    pub(super) fn calibrate(&mut self, sample: Duration) -> u64 {
        let mut calls = 1;
        loop {
            let elapsed = self.time(calls);
            if elapsed >= sample / 2 || calls >= MAX_CALLS {
                let scale = sample.as_secs_f64() / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
                return ((calls as f64 * scale) as u64).clamp(1, MAX_CALLS);
            }
            calls *= 2;
        }
    }

    /// Nanoseconds of one call, over `calls` of them.
    pub(super) fn nanoseconds(&mut self, calls: u64) -> f64 {
        self.time(calls).as_secs_f64() * 1e9 / calls as f64
    }

    fn time(&mut self, calls: u64) -> Duration {
        let start = Instant::now();
        (self.run)(calls);
        start.elapsed()
    }
}

impl fmt::Debug for Side<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Side").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, thread};

    use super::*;

    #[test]
    fn a_sample_makes_the_calls_it_divides_by() {
        let count = Cell::new(0);
        let mut side = Side::new(|| count.set(count.get() + 1));
        side.nanoseconds(1_000);
        assert_eq!(count.get(), 1_000);
    }

    #[test]
    fn calls_slower_than_a_sample_are_made_one_by_one() {
        let mut side = Side::new(|| thread::sleep(Duration::from_millis(2)));
        assert_eq!(side.calibrate(Duration::from_millis(1)), 1);
    }

    #[test]
    fn calls_faster_than_a_sample_are_made_in_blocks() {
        let mut side = Side::new(|| black_box(1));
        assert!(side.calibrate(Duration::from_millis(1)) > 1_000);
    }
}
