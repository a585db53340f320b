use crate::sync::{AtomicU64, Ordering, thread_number};

/// Deals out the turns 0, 1, 2, … to all threads, each turn once.
///
/// As long as threads have not collided, each turn is the next one, whoever takes it. Where two threads
/// reach for the counter in the same moment, the one that came second takes a block of [`Self::BLOCK`]
/// turns for itself, and a number of blocks after it, so that they stop passing one cache line to and
/// fro. So turns are exact in one thread; in several, each is at most a block ahead or behind.
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
    /// How many turns a thread takes at once when it collides with another: a prime, so that the blocks of
    /// several threads do not name the same nodes in step.
    pub(super) const BLOCK: u64 = 17;

    /// How many more blocks a thread takes after a collision, before it tries single turns again.
    const MORE_BLOCKS: u64 = (1 << Self::MORE_BITS) - 1;

    const MORE_BITS: u32 = 8;

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
        let Line(place) = &self.blocks[thread_number() % Self::THREADS];
        let Line(next) = &self.next;
        let kept = match Self::take_from(place) {
            Ok(turn) => return turn,
            Err(kept) => kept,
        };
        if let Some(more) = Rest::unpack(kept).more.checked_sub(1) {
            return Self::take_block(next, place, kept, more);
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
            Err(_) => Self::take_block(next, place, kept, Self::MORE_BLOCKS),
        }
    }

    /// How many turns are left in the calling thread's block.
    #[cfg(test)]
    pub(super) fn left_in_block(&self) -> u64 {
        let Line(block) = &self.blocks[thread_number() % Self::THREADS];
        Rest::unpack(block.load(Ordering::Relaxed)).left
    }

    /// A turn of the block in this place; what the place holds, if there is none.
    fn take_from(place: &AtomicU64) -> Result<u64, u64> {
        let mut word = place.load(Ordering::Relaxed);
        loop {
            let rest = Rest::unpack(word);
            let less = rest.less().ok_or(word)?;
            let taken = place.compare_exchange_weak(
                word,
                less.pack(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match taken {
                Ok(_) => return Ok(rest.turn),
                Err(now) => word = now,
            }
        }
    }

    /// The first turn of a new block, whose rest is kept in the place. Where another thread with the same
    /// place has it, or is about to fill it, a single turn.
    fn take_block(next: &AtomicU64, place: &AtomicU64, kept: u64, more: u64) -> u64 {
        let reserved = Rest::RESERVED.pack();
        let mine = Rest::unpack(kept).left == 0
            && place
                .compare_exchange(kept, reserved, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !mine {
            return next.fetch_add(1, Ordering::Relaxed);
        }
        let turn = next.fetch_add(Self::BLOCK, Ordering::Relaxed);
        let rest = Rest {
            turn: turn.wrapping_add(1),
            left: Self::BLOCK - 1,
            more,
        };
        place.store(rest.pack(), Ordering::Relaxed);
        turn
    }
}

/// What is left of a block, and how many are to follow. All fit one word, since no counter comes near
/// 2^51 turns.
struct Rest {
    turn: u64,
    left: u64,
    more: u64,
}

impl Rest {
    /// A thread is about to put its block here.
    const RESERVED: Self = Self {
        turn: 0,
        left: (1 << Self::LEFT_BITS) - 1,
        more: 0,
    };

    const LEFT_BITS: u32 = 5;

    const ALL_BITS: u32 = Self::LEFT_BITS + Turns::MORE_BITS;

    /// What is left after one more turn, if there is one.
    fn less(&self) -> Option<Self> {
        let reserved = self.left == Self::RESERVED.left;
        Some(Self {
            turn: self.turn.wrapping_add(1),
            left: self.left.checked_sub(1).filter(|_| !reserved)?,
            more: self.more,
        })
    }

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
        for turn in [0, 1, 77, (1 << 51) - 1] {
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
