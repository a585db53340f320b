use crate::{Millisatoshi, invalid::InvalidValue};

/// What an offer accepts: 1 ≤ min ≤ max ≤ 2^63 − 1 msat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendableRange {
    min: Millisatoshi,
    max: Millisatoshi,
}

impl SendableRange {
    /// The largest amount, which every database's signed integer holds.
    pub const LARGEST: Millisatoshi = Millisatoshi::new(i64::MAX as u64);

    /// Checks the bounds.
    ///
    /// # Errors
    /// When `min` is zero or above `max`, or `max` is above [`Self::LARGEST`].
    pub fn try_new(min: Millisatoshi, max: Millisatoshi) -> Result<Self, InvalidValue> {
        if min < Millisatoshi::new(1) {
            return Err(InvalidValue::new("minSendable", "must be at least 1 msat"));
        }
        if max > Self::LARGEST {
            return Err(InvalidValue::new(
                "maxSendable",
                format!("must be at most {}", Self::LARGEST),
            ));
        }
        if min > max {
            return Err(InvalidValue::new(
                "minSendable",
                "must not be above maxSendable",
            ));
        }
        Ok(Self { min, max })
    }

    /// The least amount.
    pub fn min(&self) -> Millisatoshi {
        self.min
    }

    /// The greatest amount.
    pub fn max(&self) -> Millisatoshi {
        self.max
    }

    /// Whether `amount` may be sent.
    pub fn contains(&self, amount: Millisatoshi) -> bool {
        (self.min..=self.max).contains(&amount)
    }
}
