use bitcoin_hashes::siphash24;

use super::{NodeSeed, cells::Shuffle};

/// What a request is bound to: a payer's comment, or a salt when there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AffinityKey(u64);

impl AffinityKey {
    /// The keys of SipHash-2-4 for version 1, read as two numbers in big-endian order. They are public
    /// and never change, for replicas must agree.
    const SIP_KEYS: (u64, u64) = (
        u64::from_be_bytes(*b"switchge"),
        u64::from_be_bytes(*b"ar/key/1"),
    );

    /// The key of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let (k0, k1) = Self::SIP_KEYS;
        Self(siphash24::Hash::hash_to_u64_with_keys(k0, k1, bytes))
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
