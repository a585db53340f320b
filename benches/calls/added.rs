//! The table of what is added to a call.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_benches::pairs::{Estimate, Plan, Sample};

/// Differences of two sides, each with the most that it may be.
#[derive(Debug)]
pub(crate) struct Added {
    rng: StdRng,
    resamples: usize,
    held: bool,
}

impl Added {
    /// Begins the table.
    pub(crate) fn new() -> io::Result<Self> {
        let head =
            "\n| case, p50 | added, µs | 95% interval | at most | held |\n|---|--:|--:|--:|---|";
        writeln!(io::stdout(), "{head}")?;
        let plan = Plan::default();
        Ok(Self {
            rng: StdRng::seed_from_u64(plan.seed),
            resamples: plan.resamples,
            held: true,
        })
    }

    /// Writes the row of one comparison; the whole interval must hold the target.
    pub(crate) fn row(
        &mut self,
        name: &str,
        samples: &[Sample],
        at_most: Option<f64>,
    ) -> io::Result<()> {
        let microseconds = |sample: &Sample| (sample.subject - sample.baseline) / 1e3;
        let added: Vec<f64> = samples.iter().map(microseconds).collect();
        let added = Estimate::of(&added, self.resamples, &mut self.rng);
        let held = at_most.is_none_or(|bound| added.high <= bound);
        self.held &= held;
        let Estimate { median, low, high } = added;
        writeln!(
            io::stdout(),
            "| {name} | {median:.1} | {low:.1} to {high:.1} | {} | {} |",
            at_most.map_or_else(|| "none".to_owned(), |bound| bound.to_string()),
            match at_most {
                None => "-",
                Some(_) if held => "yes",
                Some(_) => "**no**",
            }
        )
    }

    /// Failure if a target was missed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.held {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
