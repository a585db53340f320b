use std::time::Duration;

use crate::{
    Moment,
    sync::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

/// A node's live figures: one cache line of atomics, which requests and the fleet share.
///
/// Every ordering but the trial's is relaxed: each figure stands for itself, and a request that sees
/// one a moment late asks a node that fails, and goes on to the next.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Live {
    /// Whether the node may be asked at all.
    open: AtomicBool,
    /// Whether an invoice that the node makes is no news: it is neither ejected nor unhealthy.
    trusted: AtomicBool,
    on_trial: AtomicBool,
    /// Calls in a row that failed.
    failures: AtomicU32,
    in_flight: AtomicU32,
    probe_at: AtomicU64,
    checked_at: AtomicU64,
    latency: AtomicU64,
}

impl Live {
    /// No probe is due.
    const NO_PROBE: u64 = u64::MAX;

    pub(super) fn new() -> Self {
        Self {
            open: AtomicBool::new(false),
            trusted: AtomicBool::new(false),
            on_trial: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            probe_at: AtomicU64::new(Self::NO_PROBE),
            checked_at: AtomicU64::new(0),
            latency: AtomicU64::new(0),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Relaxed);
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.trusted.load(Ordering::Relaxed)
    }

    pub(super) fn set_trusted(&self, trusted: bool) {
        self.trusted.store(trusted, Ordering::Relaxed);
    }

    pub(super) fn is_probe_due(&self, now: Moment) -> bool {
        self.probe_at.load(Ordering::Relaxed) <= now.as_nanos()
    }

    pub(super) fn set_probe_at(&self, probe_at: Option<Moment>) {
        let nanos = probe_at.map_or(Self::NO_PROBE, Moment::as_nanos);
        self.probe_at.store(nanos, Ordering::Relaxed);
    }

    /// Whether a check has ended at `since` or later.
    pub(super) fn is_checked_since(&self, since: Moment) -> bool {
        self.checked_at.load(Ordering::Relaxed) >= since.as_nanos().max(1)
    }

    pub(super) fn set_checked_at(&self, now: Moment) {
        self.checked_at.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Counts one more failed call in a row; how many there are now.
    pub(super) fn count_failure(&self) -> u32 {
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        before.saturating_add(1)
    }

    pub(super) fn forget_failures(&self) {
        // Most calls succeed: no write where there is nothing to forget.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn begin_call(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_call(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes the one right to try the node; whether nobody had it.
    pub(super) fn take_trial(&self) -> bool {
        // Who comes too late writes nothing.
        let taken =
            self.on_trial
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok()
    }

    pub(super) fn give_trial_back(&self) {
        self.on_trial.store(false, Ordering::Release);
    }

    /// Takes note that a call took `latency`, or, if it failed, what it is charged.
    pub(super) fn observe_latency(&self, latency: Duration, now: Moment) {
        self.update_latency(|known| known.observe(latency, now));
    }

    /// Takes note that a call was given up after `elapsed`, when it would have taken longer still.
    pub(super) fn observe_latency_above(&self, elapsed: Duration, now: Moment) {
        self.update_latency(|known| {
            if known.at(now).is_none_or(|latency| latency < elapsed) {
                known.observe(elapsed, now)
            } else {
                known
            }
        });
    }

    /// The latency to expect, if a call has ever ended.
    pub(super) fn latency(&self, now: Moment) -> Option<Duration> {
        PeakLatency::unpack(self.latency.load(Ordering::Relaxed)).at(now)
    }

    fn update_latency(&self, update: impl Fn(PeakLatency) -> PeakLatency) {
        let mut packed = self.latency.load(Ordering::Relaxed);
        loop {
            let next = update(PeakLatency::unpack(packed)).pack();
            let stored = self.latency.compare_exchange_weak(
                packed,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match stored {
                Ok(_) => return,
                Err(now) => packed = now,
            }
        }
    }
}

/// A peak-sensitive moving average of a node's latencies: it rises to a new peak at once, and comes down
/// by half in [`Self::HALF_LIFE_MS`], also while nothing is observed, so that a node that was slow is
/// tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PeakLatency {
    /// Microseconds, zero where nothing was observed; at most an hour and more.
    micros: u32,
    /// Milliseconds of the moment when it was, of which the lowest 32 bits are kept: enough for
    /// distances of weeks.
    millis: u32,
}

impl PeakLatency {
    const HALF_LIFE_MS: u32 = 5_000;

    /// By how much a moment may be the earlier one.
    const EARLIER_MS: u32 = 60_000;

    fn observe(self, latency: Duration, now: Moment) -> Self {
        let observed = u32::try_from(latency.as_micros())
            .unwrap_or(u32::MAX)
            .max(1);
        let before = self.decayed(now);
        if before == self.micros && observed <= before {
            // Too soon for the peak to have lost anything: it must not be held up by counting anew.
            return self;
        }
        // Below the peak, what is observed counts as much as the peak has lost meanwhile.
        let lost = u64::from(self.micros.saturating_sub(before));
        let weighted = u64::from(observed) * lost / u64::from(self.micros.max(1));
        let average = u64::from(before) + weighted;
        Self {
            micros: u32::try_from(average).unwrap_or(u32::MAX).max(observed),
            millis: millis(now),
        }
    }

    fn at(self, now: Moment) -> Option<Duration> {
        (self.micros != 0).then(|| Duration::from_micros(u64::from(self.decayed(now))))
    }

    /// What is left of the peak: half for each half-life, and evenly less within one.
    fn decayed(self, now: Moment) -> u32 {
        // Two threads' clocks may be read in one order and noted in the other: the longest distances mean
        // that `now` is the earlier one.
        let elapsed = millis(now).wrapping_sub(self.millis);
        let elapsed = if elapsed > u32::MAX - Self::EARLIER_MS {
            0
        } else {
            elapsed
        };
        let halved = self
            .micros
            .checked_shr(elapsed / Self::HALF_LIFE_MS)
            .unwrap_or(0);
        let rest = u64::from(elapsed % Self::HALF_LIFE_MS);
        let lost = u64::from(halved) * rest / u64::from(2 * Self::HALF_LIFE_MS);
        halved - u32::try_from(lost).unwrap_or(halved)
    }

    fn pack(self) -> u64 {
        u64::from(self.micros) << 32 | u64::from(self.millis)
    }

    fn unpack(packed: u64) -> Self {
        let [m0, m1, m2, m3, t0, t1, t2, t3] = packed.to_be_bytes();
        Self {
            micros: u32::from_be_bytes([m0, m1, m2, m3]),
            millis: u32::from_be_bytes([t0, t1, t2, t3]),
        }
    }
}

fn millis(now: Moment) -> u32 {
    // The remainder fits, whatever the moment.
    u32::try_from(now.as_nanos() / 1_000_000 % (1 << 32)).unwrap_or_default()
}

// What threads do with the figures is modelled in tests/loom.rs, where these run too.
#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    const NOTHING: PeakLatency = PeakLatency {
        micros: 0,
        millis: 0,
    };

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    /// What is expected at the last moment, after these latencies at these moments.
    fn after(observed: &[(u64, Duration)], now: u64) -> Option<Duration> {
        let known = observed.iter().fold(NOTHING, |known, (millis, latency)| {
            known.observe(*latency, at(*millis))
        });
        known.at(at(now))
    }

    #[test]
    fn expects_nothing_before_the_first_call() {
        assert_eq!(after(&[], 1_000), None);
    }

    #[test]
    fn halves_every_five_seconds_and_evenly_within() {
        let expected = |now| after(&[(1_000, 800 * MS)], now).unwrap();
        assert_eq!(expected(1_000), 800 * MS);
        assert_eq!(expected(3_500), 600 * MS);
        assert_eq!(expected(6_000), 400 * MS);
        assert_eq!(expected(8_500), 300 * MS);
        assert_eq!(expected(11_000), 200 * MS);
        assert_eq!(
            expected(1_000_000),
            Duration::ZERO,
            "and is forgotten in the end"
        );
    }

    #[test]
    fn rises_to_a_new_peak_at_once_and_falls_slowly() {
        let peak = [(0, 10 * MS), (1, 500 * MS)];
        assert_eq!(after(&peak, 1), Some(500 * MS));
        let quick = (2..200).map(|millis| (millis, MS));
        let calls: Vec<_> = peak.into_iter().chain(quick).collect();
        let after = after(&calls, 200).unwrap();
        assert!((480 * MS..500 * MS).contains(&after), "{after:?}");
    }

    #[test]
    fn settles_on_what_a_steady_node_takes() {
        for latency in [5 * MS, 50 * MS] {
            let peak = [(0, Duration::from_secs(2))];
            let steady = (1..=600).map(|call| (call * 250, latency));
            let calls: Vec<_> = peak.into_iter().chain(steady).collect();
            let after = after(&calls, 150_000).unwrap();
            let about = latency..=latency + latency / 10;
            assert!(about.contains(&after), "{after:?} for {latency:?}");
        }
    }

    #[test]
    fn takes_a_moment_a_little_earlier_for_the_same() {
        assert_eq!(after(&[(5_000, 80 * MS)], 4_990), Some(80 * MS));
    }

    #[test]
    fn lasts_over_the_wrap_of_its_milliseconds() {
        let wrap = 1 << 32;
        assert_eq!(
            after(&[(wrap - 2_500, 80 * MS)], wrap + 2_500),
            Some(40 * MS)
        );
    }

    #[test]
    fn holds_the_shortest_and_the_longest_latency() {
        assert_eq!(
            after(&[(0, Duration::ZERO)], 0),
            Some(Duration::from_micros(1))
        );
        let longest = Duration::from_micros(u64::from(u32::MAX));
        assert_eq!(after(&[(0, Duration::MAX)], 0), Some(longest));
        let packed = NOTHING
            .observe(Duration::MAX, Moment::from_nanos(u64::MAX))
            .pack();
        assert_eq!(PeakLatency::unpack(packed).pack(), packed);
    }
}
