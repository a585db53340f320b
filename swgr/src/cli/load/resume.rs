use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use super::{journal::Done, record::Key};

/// Which lines need not be sent, since loads before this one have sent what they hold.
///
/// The last line with a key wins, also where an earlier one was refused at first: once that is sent,
/// or was acknowledged after the last one, the last one is sent again.
#[derive(Debug)]
pub(super) struct Resume {
    done: Done,
    /// By the hash of a key, the greatest moment of the lines so far that have it. Two keys that share a
    /// hash have lines sent again that need not be, and no more.
    latest: HashMap<u64, u64>,
    hashes: RandomState,
}

/// After every moment of the journal.
const NOW: u64 = u64::MAX;

impl Resume {
    pub(super) fn after(done: Done) -> Self {
        Self {
            done,
            latest: HashMap::new(),
            hashes: RandomState::new(),
        }
    }

    /// Whether the line was acknowledged with this content, whatever its key.
    pub(super) fn knows(&self, number: usize, hash: u64) -> bool {
        self.done.moment(number, hash).is_some()
    }

    /// Whether the line is left out; otherwise it must be sent. Asked once for each line, in their order.
    pub(super) fn leaves_out(&mut self, number: usize, hash: u64, key: &Key) -> bool {
        // A load that is the first needs no memory for its keys.
        if self.done.is_empty() {
            return false;
        }
        let moment = self.done.moment(number, hash);
        let key = self.hashes.hash_one(key);
        let latest = self.latest.entry(key).or_default();
        let is_left_out = moment.is_some_and(|moment| moment > *latest);
        *latest = moment.filter(|_| is_left_out).unwrap_or(NOW);
        is_left_out
    }
}
