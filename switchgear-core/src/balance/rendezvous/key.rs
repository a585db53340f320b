use twox_hash::XxHash3_64;

use super::{NodeSeed, cells::Shuffle};

/// What a request is bound to: a payer's comment, or a salt when there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AffinityKey(u64);

impl AffinityKey {
    /// The seed of XXH3-64 for version 1. It is public and never changes, for replicas must agree.
    const SEED: u64 = u64::from_be_bytes(*b"swgr/key");

    /// The key of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(XxHash3_64::oneshot_with_seed(Self::SEED, bytes))
    }

    /// The key of a number that was drawn or counted.
    pub fn from_salt(salt: u64) -> Self {
        Self(mix(salt))
    }

    /// What this key draws for a node: 64 even bits that tell nothing of its draws for other nodes.
    #[inline]
    pub(super) fn draw(self, seed: NodeSeed) -> u64 {
        // Both factors are hashes already, so one folded product mixes them enough.
        let product = u128::from(self.0) * u128::from(seed.factor());
        (product as u64) ^ ((product >> 64) as u64)
    }

    /// How this key shuffles the cells.
    #[inline]
    pub(super) fn shuffle(self) -> Shuffle {
        Shuffle::of(mix(self.0))
    }
}

/// The finalizer of SplitMix64: a bijection whose every output bit depends on every input bit.
#[inline]
pub(super) const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
