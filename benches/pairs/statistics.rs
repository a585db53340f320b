//! The median of a sample, and how sure it is.

use rand::{Rng, RngExt as _};

/// A median with the percentile bootstrap interval that holds it in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median of the values.
    pub median: f64,
    /// The interval's lower end, the 2.5th percentile of the resampled medians.
    pub low: f64,
    /// The interval's upper end, the 97.5th percentile of the resampled medians.
    pub high: f64,
}

impl Estimate {
    /// The median of `values` and its interval over `resamples` draws with replacement; not a number
    /// where there are no values.
    pub fn of<R: Rng + ?Sized>(values: &[f64], resamples: usize, rng: &mut R) -> Self {
        let median = median(values);
        if values.is_empty() || resamples == 0 {
            return Self {
                median,
                low: median,
                high: median,
            };
        }
        let mut resample = vec![0.0; values.len()];
        let mut medians: Vec<f64> = (0..resamples)
            .map(|_| {
                resample.fill_with(|| values[rng.random_range(0..values.len())]);
                self::median(&resample)
            })
            .collect();
        medians.sort_unstable_by(f64::total_cmp);
        Self {
            median,
            low: percentile(&medians, 2.5),
            high: percentile(&medians, 97.5),
        }
    }
}

/// The middle of `values`, between the two middle ones of an even count; not a number where there
/// are none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    percentile(&sorted, 50.0)
}

/// The value at `percent` of the way through `sorted`, linear between neighbours.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = last as f64 * percent / 100.0;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    let (low, high) = (sorted[below], sorted[above.min(last)]);
    low + (high - low) * position.fract()
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn the_median_is_the_middle_of_any_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[7.0]), 7.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn percentiles_lie_linearly_between_neighbours() {
        let sorted = [0.0, 10.0, 20.0, 30.0, 40.0];
        assert_eq!(percentile(&sorted, 0.0), 0.0);
        assert_eq!(percentile(&sorted, 100.0), 40.0);
        assert_eq!(percentile(&sorted, 25.0), 10.0);
        assert_eq!(percentile(&sorted, 2.5), 1.0);
    }

    #[test]
    fn equal_values_leave_no_doubt() {
        let estimate = Estimate::of(&[2.0; 21], 200, &mut StdRng::seed_from_u64(1));
        assert_eq!((estimate.low, estimate.high), (2.0, 2.0));
    }

    #[test]
    fn outliers_move_neither_the_median_nor_the_interval() {
        let mut values: Vec<f64> = (0..21)
            .map(|index| 1.0 + f64::from(index) / 1_000.0)
            .collect();
        values[20] = 1_000.0;
        let estimate = Estimate::of(&values, 2_000, &mut StdRng::seed_from_u64(1));
        assert_eq!(estimate.median, 1.010);
        assert!(estimate.low > 1.0 && estimate.low < estimate.median);
        assert!(estimate.high < 1.02 && estimate.high > estimate.median);
    }

    #[test]
    fn the_interval_holds_the_true_median_about_as_often_as_it_says() {
        let mut rng = StdRng::seed_from_u64(7);
        let held = (0..400)
            .filter(|_| {
                let values: Vec<f64> = (0..21).map(|_| rng.random_range(0.0..2.0)).collect();
                let estimate = Estimate::of(&values, 400, &mut rng);
                estimate.low <= 1.0 && 1.0 <= estimate.high
            })
            .count();
        assert!((360..=396).contains(&held), "{held} of 400");
    }

    #[test]
    fn one_seed_gives_one_interval() {
        let values: Vec<f64> = (0..21).map(|index| f64::from(index * index % 17)).collect();
        let estimate = |seed| Estimate::of(&values, 500, &mut StdRng::seed_from_u64(seed));
        assert_eq!(estimate(1), estimate(1));
    }
}
