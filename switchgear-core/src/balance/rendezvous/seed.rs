use twox_hash::XxHash3_64;

use super::cells::Table;

/// What stands for a node in every draw: a hash of its address, so that a node that comes back, or is
/// listed elsewhere, is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::balance) struct NodeSeed(u64);

impl NodeSeed {
    /// The seed of XXH3-64 for version 1, as that of [`AffinityKey`](super::AffinityKey).
    const SEED: u64 = u64::from_be_bytes(*b"swgr/nod");

    /// The seed of the node with this address, given in its path form: `pk/<hex>` or `url/<base64url>`.
    pub(in crate::balance) fn of(address_path: &str) -> Self {
        let hash = XxHash3_64::oneshot_with_seed(Self::SEED, address_path.as_bytes());
        // Odd, so that a product with it loses no bit of the other factor.
        Self(hash | 1)
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
