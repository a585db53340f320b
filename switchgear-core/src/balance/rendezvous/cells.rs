//! Where nodes lie, and in which order a key comes by them.
//!
//! Each node lies in one of [`CELLS`] cells, by its seed alone. A key goes through the cells in an order
//! of its own, and what it meets first is nearest. That makes the nearest node searchable: an index of
//! nodes by cell serves every key. Two nodes in one cell would stand in each other's light for every
//! key, so there are [`TABLES`] assignments of nodes to cells, and the key picks one.

use super::key::mix;

/// How many cells there are.
pub(super) const CELLS: u32 = 1 << CELL_BITS;
/// How many bits name a cell.
pub(super) const CELL_BITS: u32 = 10;
/// How many assignments of nodes to cells there are.
pub(super) const TABLES: usize = 1 << TABLE_BITS;
const TABLE_BITS: u32 = 4;

const MASK: u32 = CELLS - 1;
/// Odd, so that they have inverses modulo any power of two.
const FACTORS: [u32; 3] = [0x9e37_79b1, 0x85eb_ca6b, 0xc2b2_ae35];
const INVERSES: [u32; 3] = [
    inverse(FACTORS[0]),
    inverse(FACTORS[1]),
    inverse(FACTORS[2]),
];

/// One assignment of nodes to cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table(u32);

impl Table {
    /// All of them, in the order of [`index`](Self::index).
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..1 << TABLE_BITS).map(Self)
    }

    /// Its place among [`Table::all`].
    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    /// The cell of the node with this seed.
    #[inline]
    pub(super) fn cell_of(self, seed: u64) -> u32 {
        // SplitMix64's own step keeps the tables apart.
        let step = u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mix(seed.wrapping_add(step)) >> (64 - CELL_BITS)) as u32
    }
}

/// The order in which one key goes through the cells: a bijection between positions and cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shuffle {
    table: Table,
    offsets: [u32; 3],
}

impl Shuffle {
    /// The shuffle that these bits name.
    #[inline]
    pub(super) fn of(bits: u64) -> Self {
        let take = |low: u32| (bits >> low) as u32;
        Self {
            table: Table(take(64 - TABLE_BITS)),
            offsets: [take(0), take(CELL_BITS), take(2 * CELL_BITS)],
        }
    }

    /// The assignment in which the key looks for nodes.
    #[inline]
    pub(super) fn table(&self) -> Table {
        self.table
    }

    /// The cell at a position below [`CELLS`].
    #[inline]
    pub(super) fn cell_at(&self, position: u32) -> u32 {
        let [first, second, last] = self.offsets;
        let half = fold(position.wrapping_mul(FACTORS[0]).wrapping_add(first) & MASK);
        let cell = fold(half.wrapping_mul(FACTORS[1]).wrapping_add(second) & MASK);
        cell.wrapping_add(last) & MASK
    }

    /// The position of a cell: the inverse of [`cell_at`](Self::cell_at).
    #[inline]
    pub(super) fn position_of(&self, cell: u32) -> u32 {
        let [first, second, last] = self.offsets;
        let cell = fold(cell.wrapping_sub(last) & MASK);
        let half = fold(cell.wrapping_sub(second).wrapping_mul(INVERSES[1]) & MASK);
        half.wrapping_sub(first).wrapping_mul(INVERSES[0]) & MASK
    }
}

/// Brings the high half of a cell's bits into the low half; its own inverse.
#[inline]
const fn fold(cell: u32) -> u32 {
    cell ^ (cell >> CELL_BITS.div_ceil(2))
}

/// The inverse of an odd number modulo 2^32, by Newton's iteration.
const fn inverse(odd: u32) -> u32 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 4 {
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}
