//! The cases of a bench, as its command line asks for them.

use std::{error::Error, fs::File, io, process::ExitCode};

use crate::pairs::{Pair, Plan, Report, Sample, Target};

/// How far the same code on both sides may be from a ratio of 1.
pub const NOISE: Target = Target::Same(0.03);

/// A report to standard output of the cases that were asked for. A case that was not asked for is
/// not built either.
#[derive(Debug)]
pub struct Cases {
    report: Report<io::Stdout>,
    options: Options,
}

impl Cases {
    /// Begins the table.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written.
    pub fn new(options: Options, subject: &str, baseline: &str) -> io::Result<Self> {
        Ok(Self {
            report: Report::new(io::stdout(), Plan::default(), subject, baseline)?,
            options,
        })
    }

    /// Measures a pair by the default plan.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written.
    pub fn pair<'a>(
        &mut self,
        name: &str,
        target: Target,
        pair: impl FnOnce() -> Pair<'a>,
    ) -> io::Result<()> {
        if self.options.asks_for(name) {
            self.report.measure(name, target, pair())?;
        }
        Ok(())
    }

    /// Takes samples that were measured by other means.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written.
    pub fn samples(
        &mut self,
        name: &str,
        target: Target,
        samples: impl FnOnce() -> Vec<Sample>,
    ) -> io::Result<()> {
        if self.options.asks_for(name) {
            self.report.record(name, target, samples())?;
        }
        Ok(())
    }

    /// Writes the raw pairs where they were asked for; a failure if a target was missed.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(self) -> io::Result<ExitCode> {
        if let Some(path) = &self.options.pairs {
            self.report
                .write_pairs(io::BufWriter::new(File::create(path)?))?;
        }
        Ok(self.report.exit_code())
    }
}

/// What the command line of a bench says: `[--pairs FILE] [--figures FILE] [--only TEXT]`.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the raw pairs go, as CSV.
    pub pairs: Option<String>,
    /// Where the values go that have no baseline, as CSV; a bench without any ignores it.
    pub figures: Option<String>,
    /// Measures the cases whose name holds this text; without it, all.
    pub only: Option<String>,
}

impl Options {
    /// Reads the arguments behind the program's name.
    ///
    /// # Errors
    ///
    /// If one is unknown, or lacks its value.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self::default();
        while let Some(name) = arguments.next() {
            let option = match name.as_str() {
                "--pairs" => &mut options.pairs,
                "--figures" => &mut options.figures,
                "--only" => &mut options.only,
                // What `cargo bench` tells every bench.
                "--bench" => continue,
                _ => return Err(format!("{name} is not an option of this bench").into()),
            };
            let value = arguments.next();
            *option = Some(value.ok_or_else(|| format!("{name} lacks its value"))?);
        }
        Ok(options)
    }

    /// Whether the case of this name is to be measured.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| name.contains(only.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, Box<dyn Error>> {
        Options::parse(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn options_may_come_in_any_order_with_what_cargo_adds() {
        let options = parse(&["--only", "random", "--bench", "--pairs", "raw.csv"]).unwrap();
        assert_eq!(options.pairs.as_deref(), Some("raw.csv"));
        assert!(options.asks_for("random, 10") && !options.asks_for("round robin, 10"));
    }

    #[test]
    fn what_is_unknown_or_lacks_its_value_is_refused() {
        for arguments in [&["--fast"][..], &["--only"]] {
            let error = parse(arguments).unwrap_err().to_string();
            assert!(error.starts_with(arguments[0]), "{error}");
        }
    }
}
