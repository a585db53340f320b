use std::time::Duration;

/// How long answers are kept, and in how much memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// How old an answer may be while the store answers; 1 s by default. At zero each look-up waits for
    /// the store, and only those that overlap share a load: better leave the cache out.
    pub ttl: Duration,
    /// How old an offer may be that is served while the store does not answer; 1 h by default. Long
    /// enough to bring a database back, short enough that a price of yesterday is not charged.
    pub stale_limit: Duration,
    /// How long a look-up waits for the store when there is an older answer to fall back on; 500 ms by
    /// default, above what a busy store takes and below what a payer notices.
    pub patience: Duration,
    /// How long a look-up goes on with an older answer, after a load of it has failed, before it asks
    /// the store again; 1 s by default. So many waits of `patience` are saved, and a store that comes
    /// back is not met by every request at once.
    pub retry_pause: Duration,
    /// Memory for offers, in bytes, metadata and pictures included; 64 MiB by default. An offer above a
    /// sixteenth of it is not kept.
    pub offer_bytes: usize,
    /// Memory, in bytes, for ids that have no offer; 8 MiB by default, some 20,000 ids. A bound of its
    /// own, so that whoever asks for ids at random pushes out nothing but their like.
    pub absence_bytes: usize,
}

impl CacheConfig {
    /// 1 s.
    pub const DEFAULT_TTL: Duration = Duration::from_secs(1);

    /// Answers as old as `ttl`; the rest by default.
    pub fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            stale_limit: Duration::from_secs(60 * 60),
            patience: Duration::from_millis(500),
            retry_pause: Duration::from_secs(1),
            offer_bytes: 64 * 1024 * 1024,
            absence_bytes: 8 * 1024 * 1024,
        }
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self::new(Self::DEFAULT_TTL)
    }
}
