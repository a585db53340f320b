//! The comments of payers.

/// How many there are before they repeat; a power of two. One key alone would keep its own path
/// through a table in the processor's cache, and no fleet serves one payer.
const KEYS: usize = 4_096;

/// The bytes of a key: those of `payer-0123456789abcdef@example.com`.
const KEY: usize = 34;

/// Comments of payers, one after the other, round and round. They lie side by side, so that walking
/// them costs next to nothing.
#[derive(Debug)]
pub struct Keys {
    keys: Vec<[u8; KEY]>,
    turn: usize,
}

impl Keys {
    /// The same keys in the same order each time.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "no key is a default")]
    pub fn new() -> Self {
        Self {
            keys: (0..KEYS as u64).map(key).collect(),
            turn: 0,
        }
    }

    /// The next request's key.
    #[inline]
    pub fn next_key(&mut self) -> &[u8] {
        self.turn = self.turn.wrapping_add(1);
        &self.keys[self.turn % KEYS]
    }
}

/// The comment of payer `number`.
pub fn key(number: u64) -> [u8; KEY] {
    let comment = format!("payer-{:016x}@example.com", mix(number));
    comment
        .into_bytes()
        .try_into()
        .expect("every key has the same length")
}

/// A bijection that leaves no pattern between neighbours (the finaliser of splitmix64).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
