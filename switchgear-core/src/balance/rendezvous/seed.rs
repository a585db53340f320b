use bitcoin_hashes::siphash24;

use super::cells::Table;

/// What stands for a node in every draw: a hash of its address, so that a node that comes back, or is
/// listed elsewhere, is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::balance) struct NodeSeed(u64);

impl NodeSeed {
    /// The keys of SipHash-2-4 for version 1, as those of [`AffinityKey`](super::AffinityKey).
    const SIP_KEYS: (u64, u64) = (
        u64::from_be_bytes(*b"switchge"),
        u64::from_be_bytes(*b"ar/node1"),
    );

    /// The seed of the node with this address, given in its path form: `pk/<hex>` or `url/<base64url>`.
    pub(in crate::balance) fn of(address_path: &str) -> Self {
        let (k0, k1) = Self::SIP_KEYS;
        let bytes = address_path.as_bytes();
        // Odd, so that a product with it loses no bit of the other factor.
        Self(siphash24::Hash::hash_to_u64_with_keys(k0, k1, bytes) | 1)
    }

    /// The seed as an odd factor.
    #[inline]
    pub(super) fn factor(self) -> u64 {
        self.0
    }

    /// The cell that the node lies in under this table.
    #[inline]
    pub(super) fn cell(self, table: Table) -> u32 {
        table.cell_of(self.0)
    }
}
