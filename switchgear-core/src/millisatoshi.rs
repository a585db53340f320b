use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in millisatoshi (msat), the unit of LNURL and BOLT11.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millisatoshi(u64);

impl Millisatoshi {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `msat` millisatoshi.
    pub const fn new(msat: u64) -> Self {
        Self(msat)
    }

    /// `sat` satoshi, saturating.
    pub const fn from_sat(sat: u64) -> Self {
        Self(sat.saturating_mul(1_000))
    }

    /// The amount in millisatoshi.
    pub const fn msat(self) -> u64 {
        self.0
    }

    /// The sum, at most `u64::MAX`.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Millisatoshi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} msat", self.0)
    }
}
