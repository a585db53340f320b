use crate::{Millisatoshi, Moment};

/// What each seat is in range of, as of its last published reading.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    /// The largest amount that each seat is in range of; seats stand in falling order of it, and those
    /// without a reading are last, with none.
    limits: Box<[Millisatoshi]>,
    /// Until when each seat's reading counts.
    until: Box<[Moment]>,
    /// The last of these.
    latest: Moment,
}

impl Ranges {
    /// The ranges of seats in falling order of their limits: for each that has a reading, its limit and
    /// until when that counts.
    pub(super) fn new(ranges: impl Iterator<Item = (Millisatoshi, Moment)>) -> Self {
        let (limits, until): (Vec<_>, Vec<_>) = ranges.unzip();
        Self {
            limits: limits.into(),
            latest: until.iter().copied().max().unwrap_or_default(),
            until: until.into(),
        }
    }

    /// How many of the first seats are in range of `amount`, but for those whose readings are too old;
    /// none if all are.
    pub(super) fn in_range(&self, amount: Millisatoshi, now: Moment) -> usize {
        // Seats stand in falling order of their limits: where the first one is too small, no search.
        let any = self.limits.first().is_some_and(|most| *most >= amount);
        if !any || now > self.latest {
            return 0;
        }
        self.limits.partition_point(|limit| *limit >= amount)
    }

    /// Whether a seat's reading counts still.
    pub(super) fn is_fresh(&self, seat: usize, now: Moment) -> bool {
        self.until.get(seat).is_some_and(|until| now <= *until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn are_not_searched_once_the_last_reading_is_too_old() {
        let until = |secs| Moment::ORIGIN + Duration::from_secs(secs);
        let msat = Millisatoshi::new;
        let ranges = Ranges::new([(msat(2), until(3)), (msat(1), until(2))].into_iter());
        for (amount, secs, in_range) in [(1, 3, 2), (2, 3, 1), (3, 3, 0), (1, 4, 0)] {
            assert_eq!(
                ranges.in_range(msat(amount), until(secs)),
                in_range,
                "{amount} msat after {secs} s"
            );
        }
        assert!(ranges.is_fresh(1, until(2)) && !ranges.is_fresh(1, until(3)));
    }
}
