//! Two sides measured next to each other.

use std::{cell::RefCell, rc::Rc, time::Duration};

use rand::{Rng, seq::SliceRandom as _};

use super::{Side, statistics::median};

/// How a comparison is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Samples of each side. Default: 21.
    pub pairs: usize,
    /// How long one sample of one side takes, about. Default: 8 ms, long against the clock's steps
    /// and short against a shared machine's moods.
    pub sample: Duration,
    /// How many turns a sample is taken in, alternating with the other side's; the sample is their
    /// median. Default: 16, so of half a millisecond each: where other work keeps the processor
    /// busy, samples taken in one piece leave an interval ten times as wide.
    pub turns: usize,
    /// Resamples of the bootstrap interval. Default: 2,000.
    pub resamples: usize,
    /// Seeds the order within pairs and the bootstrap. Default: 1.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            pairs: 21,
            sample: Duration::from_millis(8),
            turns: 16,
            resamples: 2_000,
            seed: 1,
        }
    }
}

/// A subject and the baseline it is held against.
#[derive(Debug)]
pub struct Pair<'a> {
    subject: Side<'a>,
    baseline: Side<'a>,
}

/// What one pair of samples showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Whether the subject was measured before the baseline.
    pub subject_first: bool,
    /// Nanoseconds of one call of the subject.
    pub subject: f64,
    /// Nanoseconds of one call of the baseline.
    pub baseline: f64,
}

impl Sample {
    /// What the subject costs over what the baseline costs.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.subject / self.baseline
    }
}

impl<'a> Pair<'a> {
    /// Compares `subject` with `baseline`.
    #[must_use]
    pub fn new(subject: Side<'a>, baseline: Side<'a>) -> Self {
        Self { subject, baseline }
    }

    /// Compares `call` with itself, for a [`Target::Same`](super::Target::Same) line. Both sides are
    /// one value and not two alike, whose places in memory alone can tell them apart by a tenth.
    pub fn twice<T: 'a>(call: impl FnMut() -> T + 'a) -> Self {
        let call = Rc::new(RefCell::new(call));
        let side = || {
            let call = Rc::clone(&call);
            Side::new(move || (call.borrow_mut())())
        };
        Self::new(side(), side())
    }

    /// The samples of `plan`, each side beginning half of the pairs, in an order drawn from `rng`.
    pub fn measure<R: Rng + ?Sized>(&mut self, plan: &Plan, rng: &mut R) -> Vec<Sample> {
        let turn = plan.sample.div_f64(plan.turns.max(1) as f64);
        let block = Block {
            turns: plan.turns.max(1),
            subject_calls: self.subject.calibrate(turn),
            baseline_calls: self.baseline.calibrate(turn),
        };
        let mut subject_first: Vec<bool> = (0..plan.pairs).map(|pair| pair % 2 == 0).collect();
        subject_first.shuffle(rng);
        subject_first
            .into_iter()
            .map(|subject_first| self.sample(subject_first, &block))
            .collect()
    }

    fn sample(&mut self, subject_first: bool, block: &Block) -> Sample {
        let mut subject = Vec::with_capacity(block.turns);
        let mut baseline = Vec::with_capacity(block.turns);
        for _ in 0..block.turns {
            if subject_first {
                subject.push(self.subject.nanoseconds(block.subject_calls));
            }
            baseline.push(self.baseline.nanoseconds(block.baseline_calls));
            if !subject_first {
                subject.push(self.subject.nanoseconds(block.subject_calls));
            }
        }
        Sample {
            subject_first,
            subject: median(&subject),
            baseline: median(&baseline),
        }
    }
}

/// What one sample of each side is made of.
struct Block {
    turns: usize,
    subject_calls: u64,
    baseline_calls: u64,
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, thread};

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    const PLAN: Plan = Plan {
        pairs: 10,
        sample: Duration::from_micros(100),
        turns: 1,
        resamples: 100,
        seed: 1,
    };

    #[test]
    fn each_side_begins_half_of_the_pairs_in_no_fixed_order() {
        let calls = RefCell::new(Vec::new());
        let side = |name: &'static str| {
            let calls = &calls;
            Side::new(move || {
                calls.borrow_mut().push(name);
                thread::sleep(Duration::from_micros(200));
            })
        };
        let mut rng = StdRng::seed_from_u64(1);
        let samples = Pair::new(side("subject"), side("baseline")).measure(&PLAN, &mut rng);

        let first: Vec<bool> = samples.iter().map(|sample| sample.subject_first).collect();
        assert_eq!(first.iter().filter(|first| **first).count(), 5);
        assert!(first.windows(2).any(|two| two[0] == two[1]));
        // One call each calibrates; after that the calls say who really began.
        let began: Vec<bool> = calls.borrow()[2..]
            .chunks(2)
            .map(|pair| pair[0] == "subject")
            .collect();
        assert_eq!(began, first);
    }

    #[test]
    fn a_turn_that_was_broken_into_does_not_spoil_its_sample() {
        let calls = Cell::new(0);
        let broken_every_fifth = || {
            calls.set(calls.get() + 1);
            let broken = calls.get() % 5 == 0;
            thread::sleep(Duration::from_millis(if broken { 20 } else { 1 }));
        };
        let plan = Plan { turns: 5, ..PLAN };
        let steady = Side::new(|| thread::sleep(Duration::from_millis(1)));
        let samples = Pair::new(Side::new(broken_every_fifth), steady)
            .measure(&plan, &mut StdRng::seed_from_u64(1));
        assert!(calls.get() >= 50);
        assert!(samples.iter().all(|sample| sample.subject < 15e6));
    }

    #[test]
    fn a_call_compared_with_itself_is_made_by_both_sides() {
        let calls = Cell::new(0);
        let mut pair = Pair::twice(|| calls.set(calls.get() + 1));
        pair.subject.nanoseconds(3);
        pair.baseline.nanoseconds(4);
        assert_eq!(calls.get(), 7);
    }

    #[test]
    fn the_ratio_is_the_subjects_cost_over_the_baselines() {
        let sample = Sample {
            subject_first: true,
            subject: 10.0,
            baseline: 40.0,
        };
        assert_eq!(sample.ratio(), 0.25);
    }
}
