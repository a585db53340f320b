use std::sync::LazyLock;

/// A node: who it is, and its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: u32,
    pub(crate) weight: u16,
}

impl Member {
    /// A hash of who it is.
    pub(crate) fn seed(&self) -> u64 {
        mix(u64::from(self.name) << 20)
    }

    /// Its address in path form.
    pub(crate) fn address(&self) -> &'static str {
        static ADDRESSES: LazyLock<Vec<String>> =
            LazyLock::new(|| (0..=10_000).map(|name| format!("pk/{name:066x}")).collect());
        &ADDRESSES[self.name as usize]
    }
}

/// A scheme of consistent hashing, prepared for some nodes.
pub(crate) trait Scheme {
    /// What it is called in the table.
    const NAME: &str;
    /// About how many lookups among 10,000 nodes take half a second; it bounds what is measured.
    const PACE: u64 = 2_000_000;

    /// Prepares for these nodes.
    fn build(members: &[Member]) -> Self;

    /// The place of the node that the key belongs to.
    fn first(&self, key: u64) -> usize;

    /// The places of the nodes that the key falls back on, from the first one on.
    fn order(&self, key: u64, count: usize) -> Vec<usize>;
}

/// The finalizer of SplitMix64.
#[inline]
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
