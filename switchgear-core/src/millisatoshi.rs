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

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Millisatoshi = Millisatoshi::new(u64::MAX);

    #[test]
    fn a_satoshi_is_a_thousand_and_too_many_are_the_most_there_can_be() {
        assert_eq!(Millisatoshi::from_sat(21), Millisatoshi::new(21_000));
        assert_eq!(Millisatoshi::from_sat(u64::MAX), MOST);
    }

    #[test]
    fn sums_stop_at_the_most_and_differences_at_nothing() {
        let [two, five] = [2, 5].map(Millisatoshi::new);
        assert_eq!(two.saturating_add(five), Millisatoshi::new(7));
        assert_eq!(MOST.saturating_add(two), MOST);
        assert_eq!(five.saturating_sub(two), Millisatoshi::new(3));
        assert_eq!(two.saturating_sub(five), Millisatoshi::ZERO);
    }

    #[test]
    fn names_its_unit_to_people_and_is_a_plain_number_on_the_wire() {
        let amount = Millisatoshi::new(21_000);
        assert_eq!(amount.to_string(), "21000 msat");
        assert_eq!(serde_json::to_string(&amount).unwrap(), "21000");
        assert_eq!(
            serde_json::from_str::<Millisatoshi>("21000").unwrap(),
            amount
        );
    }
}
