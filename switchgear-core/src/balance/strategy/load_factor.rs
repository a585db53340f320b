use crate::invalid::InvalidValue;

/// How far a node's share of the calls under way may exceed its share of the weights: 1.25 allows a
/// quarter more. (Bounded loads: Mirrokni, Thorup and Zadimoghaddam, 2018.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadFactor {
    /// In parts per million.
    parts: u32,
}

impl LoadFactor {
    /// The largest factor.
    pub const MAX: f64 = 1_000.0;

    const PARTS: u32 = 1_000_000;

    /// Checks a factor, and rounds it to parts per million.
    ///
    /// # Errors
    /// When it is not a number from 1 to [`Self::MAX`].
    pub fn try_new(factor: f64) -> Result<Self, InvalidValue> {
        if !(1.0..=Self::MAX).contains(&factor) {
            let message = format!("must be a number from 1 to {}", Self::MAX);
            return Err(InvalidValue::new("load-factor", message));
        }
        // Within a million to a thousand millions, whole, and so exact in both types.
        let parts = (factor * f64::from(Self::PARTS)).round();
        Ok(Self {
            parts: parts as u32,
        })
    }

    /// How many of `calls` a node may have whose share is `weight` of `total`; at least one.
    pub(super) fn cap(self, calls: u64, (weight, total): (u64, u64)) -> u64 {
        let share = u128::from(calls) * u128::from(weight) * u128::from(self.parts);
        let whole = u128::from(total.max(1)) * u128::from(Self::PARTS);
        u64::try_from(share.div_ceil(whole))
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_a_share_and_rounds_up() {
        let factor = LoadFactor::try_new(1.25).unwrap();
        assert_eq!(factor.cap(8, (1, 2)), 5);
        assert_eq!(factor.cap(1, (1, 1_000)), 1);
        assert_eq!(factor.cap(u64::MAX, (65_535, 1)), u64::MAX);
        assert_eq!(factor.cap(1, (1, 0)), 2, "no division by zero");
        assert_eq!(LoadFactor::try_new(2.5).unwrap().cap(100, (1, 2)), 125);
    }

    #[test]
    fn refuses_what_is_no_load_factor() {
        for factor in [f64::NAN, f64::INFINITY, 0.999, 1_000.1, -2.0] {
            assert_eq!(
                LoadFactor::try_new(factor).unwrap_err().field(),
                "load-factor"
            );
        }
    }
}
