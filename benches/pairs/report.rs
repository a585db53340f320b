//! The table of a run, its raw pairs and its verdict.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use rand::{SeedableRng as _, rngs::StdRng};

use super::{Estimate, Pair, Plan, Sample, Target, statistics::median};

/// Measures cases one after the other and writes a row of a Markdown table for each.
pub struct Report<W> {
    out: W,
    plan: Plan,
    rng: StdRng,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    samples: Vec<Sample>,
    held: bool,
}

impl<W: Write> Report<W> {
    /// Writes the table's head to `out`, with what the two sides are called.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    pub fn new(mut out: W, plan: Plan, subject: &str, baseline: &str) -> io::Result<Self> {
        writeln!(
            out,
            "| case | {subject}, ns | {baseline}, ns | ratio | 95% interval | target | held |\n\
             |---|--:|--:|--:|--:|--:|---|"
        )?;
        Ok(Self {
            out,
            rng: StdRng::seed_from_u64(plan.seed),
            plan,
            cases: Vec::new(),
        })
    }

    /// Measures `pair`, writes its row and says whether `target` held.
    ///
    /// # Errors
    ///
    /// If the row cannot be written.
    pub fn measure(&mut self, name: &str, target: Target, mut pair: Pair<'_>) -> io::Result<bool> {
        let samples = pair.measure(&self.plan, &mut self.rng);
        self.record(name, target, samples)
    }

    /// Takes `samples` that were measured by other means, writes their row and says whether `target`
    /// held.
    ///
    /// # Errors
    ///
    /// If the row cannot be written.
    pub fn record(&mut self, name: &str, target: Target, samples: Vec<Sample>) -> io::Result<bool> {
        let ratios: Vec<f64> = samples.iter().map(Sample::ratio).collect();
        let ratio = Estimate::of(&ratios, self.plan.resamples, &mut self.rng);
        let held = target.holds(&ratio);
        writeln!(
            self.out,
            "| {name} | {} | {} | {} | {} to {} | {target} | {} |",
            figure(median_of(&samples, |sample| sample.subject)),
            figure(median_of(&samples, |sample| sample.baseline)),
            figure(ratio.median),
            figure(ratio.low),
            figure(ratio.high),
            match target {
                Target::Reported => "-",
                _ if held => "yes",
                _ => "**no**",
            },
        )?;
        self.out.flush()?;
        self.cases.push(Case {
            name: name.to_owned(),
            samples,
            held,
        });
        Ok(held)
    }

    /// Writes every pair that was measured as a row of CSV: the case, the pair's number, which side
    /// began, and the nanoseconds of one call of each side.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    pub fn write_pairs(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "case,pair,first,subject_ns,baseline_ns")?;
        for case in &self.cases {
            let name = case.name.replace('"', "\"\"");
            for (number, sample) in case.samples.iter().enumerate() {
                let first = if sample.subject_first {
                    "subject"
                } else {
                    "baseline"
                };
                let (subject, baseline) = (sample.subject, sample.baseline);
                writeln!(
                    out,
                    "\"{name}\",{number},{first},{subject:.3},{baseline:.3}"
                )?;
            }
        }
        out.flush()
    }

    /// Failure if a target was missed.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.cases.iter().all(|case| case.held) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

impl<W> fmt::Debug for Report<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Report")
            .field("plan", &self.plan)
            .field("cases", &self.cases.len())
            .finish_non_exhaustive()
    }
}

fn median_of(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    median(&samples.iter().map(of).collect::<Vec<_>>())
}

/// Three significant digits; more only where they stand before the point.
pub(super) fn figure(value: f64) -> String {
    let leading = value.abs().log10().floor();
    let decimals = if leading.is_finite() {
        2.0 - leading
    } else {
        2.0
    };
    format!("{value:.*}", decimals.clamp(0.0, 9.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(subject: f64, baseline: f64) -> Vec<Sample> {
        let sample = |subject_first| Sample {
            subject_first,
            subject,
            baseline,
        };
        vec![sample(true), sample(false), sample(true)]
    }

    #[test]
    fn a_row_holds_both_sides_the_ratio_and_the_verdict() {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, Plan::default(), "ours", "theirs").unwrap();
        let held = report.record("random", Target::AtMost(0.2), samples(20.0, 160.0));
        assert!(held.unwrap());
        assert_eq!(report.exit_code(), ExitCode::SUCCESS);
        let table = String::from_utf8(out).unwrap();
        assert_eq!(
            table.lines().last(),
            Some("| random | 20.0 | 160 | 0.125 | 0.125 to 0.125 | ≤ 0.200 | yes |")
        );
    }

    #[test]
    fn what_is_only_reported_has_no_verdict() {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, Plan::default(), "ours", "theirs").unwrap();
        let held = report.record("slow", Target::Reported, samples(2.0, 1.0));
        assert!(held.unwrap());
        let table = String::from_utf8(out).unwrap();
        assert!(table.ends_with("| none | - |\n"), "{table}");
    }

    #[test]
    fn one_missed_target_fails_the_run() {
        let mut report = Report::new(io::sink(), Plan::default(), "ours", "theirs").unwrap();
        assert!(
            !report
                .record("slow", Target::AtMost(0.2), samples(1.0, 2.0))
                .unwrap()
        );
        assert!(
            report
                .record("fast", Target::AtMost(0.2), samples(1.0, 9.0))
                .unwrap()
        );
        assert_eq!(report.exit_code(), ExitCode::FAILURE);
    }

    #[test]
    fn raw_pairs_are_written_with_the_side_that_began() {
        let mut report = Report::new(io::sink(), Plan::default(), "ours", "theirs").unwrap();
        report
            .record("a \"case\", 10", Target::Reported, samples(1.5, 3.0))
            .unwrap();
        let mut csv = Vec::new();
        report.write_pairs(&mut csv).unwrap();
        assert_eq!(
            String::from_utf8(csv).unwrap(),
            "case,pair,first,subject_ns,baseline_ns\n\
             \"a \"\"case\"\", 10\",0,subject,1.500,3.000\n\
             \"a \"\"case\"\", 10\",1,baseline,1.500,3.000\n\
             \"a \"\"case\"\", 10\",2,subject,1.500,3.000\n"
        );
    }

    #[test]
    fn figures_have_three_significant_digits() {
        assert_eq!(figure(0.001_234_5), "0.00123");
        assert_eq!(figure(1.0), "1.00");
        assert_eq!(figure(45.67), "45.7");
        assert_eq!(figure(259_832.2), "259832");
        assert_eq!(figure(0.0), "0.00");
    }
}
