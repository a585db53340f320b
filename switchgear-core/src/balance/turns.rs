use crate::sync::{AtomicU64, Ordering, thread_number};

/// Deals out turns 0, 1, 2, … to all threads, each turn once.
///
/// While threads do not collide, each turn is the next one, whoever takes it. Where two threads reach
/// for the counter in the same moment, the one that came second takes a block of [`Self::BLOCK`] turns
/// for itself, and a number of blocks after it, so that they stop passing one cache line to and fro. So turns are exact in one
/// thread, and in many that take their turns one after the other; in threads that run against each
/// other each is at most a block ahead or behind.
#[derive(Debug)]
pub(super) struct Turns {
    next: Line,
    /// The rest of each thread's block; threads whose numbers fall together share one.
    blocks: [Line; Self::THREADS],
}

/// A counter with a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Line(AtomicU64);

impl Turns {
    /// How many turns a thread takes at once when it collides with another.
    pub(super) const BLOCK: u64 = 1 << Self::BLOCK_BITS;

    const BLOCK_BITS: u32 = 4;

    /// How many more blocks a thread takes after a collision, before it tries single turns again.
    const MORE_BLOCKS: u64 = (1 << Self::MORE_BITS) - 1;

    const MORE_BITS: u32 = 6;

    /// How many threads have a place for their block.
    const THREADS: usize = 8;

    /// Turns from `first` on.
    pub(super) fn new(first: u32) -> Self {
        Self {
            next: Line(AtomicU64::new(u64::from(first))),
            blocks: std::array::from_fn(|_| Line(AtomicU64::new(0))),
        }
    }

    /// The next turn.
    pub(super) fn take(&self) -> u64 {
        let Line(block) = &self.blocks[thread_number() % Self::THREADS];
        if let Some(turn) = Self::take_from(block) {
            return turn;
        }
        let Line(next) = &self.next;
        let more = Rest::unpack(block.load(Ordering::Relaxed)).more;
        if let Some(more) = more.checked_sub(1) {
            return Self::take_block(next, block, more);
        }
        let turn = next.load(Ordering::Relaxed);
        let alone = next.compare_exchange(
            turn,
            turn.wrapping_add(1),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        match alone {
            Ok(turn) => turn,
            Err(_) => Self::take_block(next, block, Self::MORE_BLOCKS),
        }
    }

    /// How many turns are left in the calling thread's block.
    #[cfg(test)]
    pub(super) fn left_in_block(&self) -> u64 {
        let Line(block) = &self.blocks[thread_number() % Self::THREADS];
        Rest::unpack(block.load(Ordering::Relaxed)).left
    }

    /// A turn of this thread's block, while there is one.
    fn take_from(block: &AtomicU64) -> Option<u64> {
        let mut rest = block.load(Ordering::Relaxed);
        loop {
            let Rest { turn, left, more } = Rest::unpack(rest);
            let less = Rest {
                turn: turn.wrapping_add(1),
                left: left.checked_sub(1)?,
                more,
            };
            let taken = block.compare_exchange_weak(
                rest,
                less.pack(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match taken {
                Ok(_) => return Some(turn),
                Err(now) => rest = now,
            }
        }
    }

    /// The first turn of a new block, whose rest is kept for this thread. Where another thread with the
    /// same place has put its own there meanwhile, that one's is left, and this block is given up: a gap
    /// in the turns shifts a share by less than the block.
    fn take_block(next: &AtomicU64, block: &AtomicU64, more: u64) -> u64 {
        let turn = next.fetch_add(Self::BLOCK, Ordering::Relaxed);
        let rest = Rest {
            turn: turn.wrapping_add(1),
            left: Self::BLOCK - 1,
            more,
        };
        let seen = block.load(Ordering::Relaxed);
        if Rest::unpack(seen).left == 0 {
            let _kept =
                block.compare_exchange(seen, rest.pack(), Ordering::Relaxed, Ordering::Relaxed);
        }
        turn
    }
}

/// What is left of a block, and how many are to follow. All fit one word, since no counter comes near
/// 2^53 turns.
struct Rest {
    turn: u64,
    left: u64,
    more: u64,
}

impl Rest {
    const LEFT_BITS: u32 = Turns::BLOCK_BITS + 1;

    const ALL_BITS: u32 = Self::LEFT_BITS + Turns::MORE_BITS;

    fn pack(&self) -> u64 {
        self.turn << Self::ALL_BITS | self.more << Self::LEFT_BITS | self.left
    }

    fn unpack(word: u64) -> Self {
        Self {
            turn: word >> Self::ALL_BITS,
            left: word & ((1 << Self::LEFT_BITS) - 1),
            more: word >> Self::LEFT_BITS & Turns::MORE_BLOCKS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rest, Turns};

    #[test]
    fn the_rest_of_a_block_fits_one_word() {
        for turn in [0, 1, 77, (1 << 53) - 1] {
            for left in [0, 1, Turns::BLOCK - 1, Turns::BLOCK] {
                for more in [0, 1, Turns::MORE_BLOCKS] {
                    let rest = Rest::unpack(Rest { turn, left, more }.pack());
                    assert_eq!((rest.turn, rest.left, rest.more), (turn, left, more));
                }
            }
        }
    }

    #[test]
    fn a_place_begins_without_a_block() {
        assert_eq!(Rest::unpack(0).left, 0);
    }
}
