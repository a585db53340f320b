use std::sync::LazyLock;

/// 2,048 steps of the logarithm from 1 to 2, and its slope in each.
static STEPS: LazyLock<Box<[(f64, f64)]>> = LazyLock::new(|| {
    let logarithm = |step: usize| (1.0 + step as f64 / 2_048.0).log2();
    let step = |step| (logarithm(step), logarithm(step + 1) - logarithm(step));
    (0..2_048).map(step).collect()
});

/// Tables for [`Logarithm::arrival`], in reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logarithm(&'static [(f64, f64)]);

impl Logarithm {
    pub(crate) fn new() -> Self {
        Self(&STEPS)
    }

    /// An exponential variate from an even draw: its negative binary logarithm, within 10^-7, from a
    /// table as straw2 has it.
    #[inline]
    pub(crate) fn arrival(&self, draw: u64) -> f64 {
        let zeros = (draw | 1).leading_zeros();
        let bits = (draw | 1) << zeros << 1;
        let rest = (bits << 11) as f64 / (1_u128 << 64) as f64;
        let (start, slope) = self.0[(bits >> 53) as usize];
        f64::from(zeros) + 1.0 - (start + slope * rest)
    }
}
