use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use switchgear_core::Partition;
use uuid::Uuid;

/// How many eras there are; two partitions that share one only forget more than they must.
const ERAS: usize = 64;

/// What a look-up asks for, with its place in the maps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) partition: &'a Partition,
    pub(super) id: Uuid,
    /// A hash of the two under a secret of this process. Maps are keyed by it, so that a look-up copies
    /// no partition; what is found there is compared with [`Owned::is`] all the same.
    pub(super) fingerprint: u64,
    /// The partition's era at the time of the look-up.
    pub(super) era: u64,
    /// How often what is known of the partition had come into doubt by then.
    pub(super) doubts: u64,
}

/// Whose an entry is.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    pub(super) partition: Partition,
    pub(super) id: Uuid,
    pub(super) fingerprint: u64,
    pub(super) doubts: u64,
    era: u64,
}

impl Owned {
    /// Whether the entry answers this look-up, be it as a stale one: entries of an era that is over
    /// answer none.
    pub(super) fn is(&self, key: &Key<'_>) -> bool {
        self.id == key.id && self.era == key.era && self.partition == *key.partition
    }

    /// Whether it does so without a write since that may have changed it.
    pub(super) fn is_undoubted(&self, key: &Key<'_>) -> bool {
        self.doubts == key.doubts && self.is(key)
    }
}

impl From<&Key<'_>> for Owned {
    fn from(key: &Key<'_>) -> Self {
        Self {
            partition: key.partition.clone(),
            id: key.id,
            fingerprint: key.fingerprint,
            doubts: key.doubts,
            era: key.era,
        }
    }
}

/// Makes keys, and ends the eras of partitions.
///
/// An answer does not say which metadata record went into it, so a change of one forgets its whole
/// partition, loads under way included. That is one step here: the era moves on, and what the old one
/// left behind is overwritten or pushed out in time. A change that may have happened, or not, is counted
/// as a doubt in the same way: what is from before it is not fresh, and good enough for an outage.
#[derive(Debug)]
pub(super) struct Keys {
    hasher: RandomState,
    eras: [Era; ERAS],
}

#[derive(Debug)]
struct Era {
    number: AtomicU64,
    doubts: AtomicU64,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            eras: [const { Era::new() }; ERAS],
        }
    }

    pub(super) fn key<'a>(&self, partition: &'a Partition, id: Uuid) -> Key<'a> {
        let place = self.hasher.hash_one(partition.as_str());
        let era = self.era(place);
        Key {
            partition,
            id,
            fingerprint: self.hasher.hash_one((place, id)),
            era: era.number.load(Ordering::Acquire),
            doubts: era.doubts.load(Ordering::Acquire),
        }
    }

    /// Whoever makes a key after this makes one that no entry from before answers.
    pub(super) fn end_era(&self, partition: &Partition) {
        let place = self.hasher.hash_one(partition.as_str());
        self.era(place).number.fetch_add(1, Ordering::AcqRel);
    }

    /// Whoever makes a key after this makes one that no entry from before answers without a doubt.
    pub(super) fn doubt(&self, partition: &Partition) {
        let place = self.hasher.hash_one(partition.as_str());
        self.era(place).doubts.fetch_add(1, Ordering::AcqRel);
    }

    fn era(&self, place: u64) -> &Era {
        let [first, ..] = &self.eras;
        let index = usize::try_from(place % ERAS as u64).unwrap_or_default();
        self.eras.get(index).unwrap_or(first)
    }
}

impl Era {
    const fn new() -> Self {
        Self {
            number: AtomicU64::new(0),
            doubts: AtomicU64::new(0),
        }
    }
}
