use crate::{Millisatoshi, Moment, invalid::InvalidValue};

/// How a node's inbound capacity is held against an amount: a node is in range while
/// amount ≤ inbound × (1 + bias).
///
/// So −0.2 asks for a quarter more capacity than the amount, and 0.1 puts up with a tenth less. The
/// bias is held in parts per million, and amounts are compared without rounding.
///
/// ```
/// use switchgear_core::{Millisatoshi, balance::CapacityBias};
///
/// let bias = CapacityBias::try_new(-0.2).unwrap();
/// assert_eq!(bias.limit(Millisatoshi::new(1_000)), Millisatoshi::new(800));
/// assert!(CapacityBias::try_new(f64::NAN).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapacityBias {
    /// 1 + bias, in parts per million.
    factor: u32,
}

impl CapacityBias {
    /// The largest bias.
    pub const MAX: f64 = 100.0;

    /// The smallest bias, with which no node is in range of anything.
    pub const MIN: f64 = -1.0;

    const PARTS: u32 = 1_000_000;

    /// Checks a bias, and rounds it to parts per million.
    ///
    /// # Errors
    /// When it is not a number from [`Self::MIN`] to [`Self::MAX`].
    pub fn try_new(bias: f64) -> Result<Self, InvalidValue> {
        if !(Self::MIN..=Self::MAX).contains(&bias) {
            let message = format!("must be a number from {} to {}", Self::MIN, Self::MAX);
            return Err(InvalidValue::new("selection-capacity-bias", message));
        }
        // Within 0 to 101 million, whole, and so exact in both types.
        let factor = ((1.0 + bias) * f64::from(Self::PARTS)).round();
        Ok(Self {
            factor: factor as u32,
        })
    }

    /// The largest amount that a node with this inbound capacity is in range of.
    pub fn limit(self, inbound: Millisatoshi) -> Millisatoshi {
        let product = u128::from(inbound.msat()) * u128::from(self.factor);
        let limit = product / u128::from(Self::PARTS);
        Millisatoshi::new(u64::try_from(limit).unwrap_or(u64::MAX))
    }
}

/// What a node could receive when it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Over active channels, the remote balance less its reserve.
    pub inbound: Millisatoshi,
    /// When the node was asked.
    pub at: Moment,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(bias: f64, inbound: u64) -> u64 {
        let bias = CapacityBias::try_new(bias).unwrap();
        bias.limit(Millisatoshi::new(inbound)).msat()
    }

    #[test]
    fn is_exact_at_the_edge() {
        assert_eq!(limit(-0.2, 5), 4);
        assert_eq!(limit(-0.2, 4), 3, "3.2 msat round down");
        assert_eq!(limit(0.0, u64::MAX), u64::MAX);
        assert_eq!(limit(0.1, 10), 11);
        assert_eq!(limit(100.0, u64::MAX), u64::MAX, "no overflow");
        assert_eq!(limit(-1.0, u64::MAX), 0);
        assert_eq!(
            limit(0.3, 2_100_000_000_000_000_003),
            2_730_000_000_000_000_003
        );
    }

    #[test]
    fn refuses_what_is_no_bias() {
        for bias in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -1.000_001,
            100.1,
        ] {
            let error = CapacityBias::try_new(bias).unwrap_err();
            assert_eq!(error.field(), "selection-capacity-bias", "{bias}");
        }
    }

    proptest! {
        #[test]
        fn holds_for_every_amount(inbound: u64, parts in -1_000_000_i64..=100_000_000, amount: u64) {
            let bias = CapacityBias::try_new(parts as f64 / 1e6).unwrap();
            let in_range = Millisatoshi::new(amount) <= bias.limit(Millisatoshi::new(inbound));
            let factor = u128::try_from(parts + 1_000_000).unwrap();
            let exact = u128::from(amount) * 1_000_000 <= u128::from(inbound) * factor;
            prop_assert_eq!(in_range, exact);
        }
    }
}
