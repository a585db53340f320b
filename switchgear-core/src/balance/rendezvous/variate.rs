//! Exponential variates in fixed point, from integers alone.

use super::cells::CELL_BITS;

/// Of how many nodes one arrives in a round: a node survives a round with a chance of 15/16.
const SURVIVAL_SHIFT: u32 = 4;

/// An exponential variate, in 2^-32 rounds.
///
/// The whole rounds are geometric and the fraction is what is left of an exponential within one round;
/// together the hazard is the same everywhere, -ln(15/16) a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variate(u64);

impl Variate {
    /// The variate of a draw and of the position at which the key comes by the node's cell.
    #[inline]
    pub(super) fn new(draw: u64, position: u32) -> Self {
        // The level depends on the draw's high bits, so the low ones are left to order a cell's nodes.
        let fine = (draw as u32) & ((1 << (32 - CELL_BITS)) - 1);
        let even = (position << (32 - CELL_BITS)) | fine;
        // Whoever looks for the best of many scores few others.
        let level = if draw >= FIRST_ROUND { 0 } else { level(draw) };
        Self(((level as u64) << 32) | u64::from(fraction(even)))
    }

    /// In 2^-32 rounds; below 2^43.
    #[inline]
    pub(super) fn get(self) -> u64 {
        self.0
    }
}

/// The smallest draw with which a node can arrive no later than `time`, in 2^-32 rounds.
#[inline]
pub(super) fn least_draw(time: u64) -> u64 {
    least_draw_of((time >> 32) as usize)
}

/// The smallest draw of a level.
#[inline]
pub(super) fn least_draw_of(level: usize) -> u64 {
    REACH.get(level + 1).copied().unwrap_or(0)
}

/// How long it takes until a node of weight 1 arrives, on average, in 2^-32 rounds: -2^32 / ln(15/16).
pub(super) const ROUNDS_AN_ARRIVAL: u64 = 66_548_895_455;

/// The smallest draw of the first round.
pub(super) const FIRST_ROUND: u64 = u64::MAX - (u64::MAX >> SURVIVAL_SHIFT);

/// How many positions there are at which a node of the first round can arrive no later than `time`, in
/// 2^-32 rounds; a few too many.
#[inline]
pub(super) fn positions_until(time: u64) -> u32 {
    // A fraction is at most a 30th smaller than the even number that it was made from.
    let even = time.saturating_add(time >> 4);
    let position = even >> (32 - CELL_BITS);
    u32::try_from(position).map_or(super::cells::CELLS, |position| {
        position.saturating_add(1).min(super::cells::CELLS)
    })
}

/// How many rounds a node with this draw survives.
#[inline]
pub(super) fn level(draw: u64) -> usize {
    let near = usize::from(LEVEL_NEAR[bin(draw)]);
    // A bin is narrower than a level, save for the very smallest draws: this is all but always it.
    let mut level = near + usize::from(draw < least_draw_of(near));
    while draw < least_draw_of(level) {
        level += 1;
    }
    level
}

/// Bends an even number to the exponential within a round: v - v(1-v)c, which is within 2^-13 of
/// ln(1 - v/16) / ln(15/16).
#[inline]
fn fraction(even: u32) -> u32 {
    const BEND: u64 = 138_594_300; // 0.032269 · 2^32
    let even = u64::from(even);
    let arc = (even * ((1 << 32) - even)) >> 32;
    (even - ((arc * BEND) >> 32)) as u32
}

/// How many levels there are: below 32 a draw shrinks no more, and they all count as the last.
const LEVELS: usize = {
    let (mut levels, mut draw) = (1, u64::MAX);
    while draw >> SURVIVAL_SHIFT > 0 {
        draw -= draw >> SURVIVAL_SHIFT;
        levels += 1;
    }
    levels
};

/// Level `k` has the draws from `REACH[k + 1]` to just below `REACH[k]`.
static REACH: [u64; LEVELS + 1] = {
    let mut reach = [0; LEVELS + 1];
    let (mut level, mut draw) = (0, u64::MAX);
    while level < LEVELS {
        reach[level] = draw;
        draw -= draw >> SURVIVAL_SHIFT;
        level += 1;
    }
    reach
};

const BINS_BITS: u32 = 5;
const BINS: usize = 65 << BINS_BITS;

/// For a bin of draws, the lowest level among them: a start from which [`level`] counts on.
static LEVEL_NEAR: [u16; BINS] = {
    let mut near = [0; BINS];
    let mut level = 0;
    let mut index = 0;
    while index < BINS {
        let largest = largest_of(index);
        while level < LEVELS && largest < REACH[level + 1] {
            level += 1;
        }
        near[index] = level as u16;
        index += 1;
    }
    near
};

/// Bins go from large draws to small: by leading zeros, and then by the bits after the first one.
#[inline]
const fn bin(draw: u64) -> usize {
    let zeros = draw.leading_zeros();
    let mantissa = (draw.unbounded_shl(zeros + 1)) >> (64 - BINS_BITS);
    let below = (1 << BINS_BITS) - 1 - mantissa as usize;
    ((zeros as usize) << BINS_BITS) | below
}

/// The largest draw of a bin.
const fn largest_of(bin: usize) -> u64 {
    let zeros = (bin >> BINS_BITS) as u32;
    let mantissa = (1_u64 << BINS_BITS) - 1 - (bin as u64 & ((1 << BINS_BITS) - 1));
    let one = (1_u64 << 63).unbounded_shr(zeros);
    let bits = (mantissa << (64 - BINS_BITS)) | (u64::MAX >> BINS_BITS);
    one | bits.unbounded_shr(zeros + 1)
}
