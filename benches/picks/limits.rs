//! The table of figures that stand for themselves.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use switchgear_benches::cases::Options;

/// Figures, each with the most that it may be.
pub(crate) struct Limits {
    options: Options,
    held: bool,
}

impl Limits {
    /// Begins the table.
    pub(crate) fn new(options: Options) -> io::Result<Self> {
        let head = "\n| case | measured | at most | held |\n|---|--:|--:|---|";
        writeln!(io::stdout(), "{head}")?;
        Ok(Self {
            options,
            held: true,
        })
    }

    /// Whether the case of this name is to be measured.
    pub(crate) fn asks_for(&self, name: &str) -> bool {
        self.options.asks_for(name)
    }

    /// Measures a figure in `unit`, if it is asked for, and writes its row.
    pub(crate) fn figure(
        &mut self,
        name: &str,
        unit: &str,
        at_most: f64,
        measure: impl FnOnce() -> f64,
    ) -> io::Result<()> {
        if !self.asks_for(name) {
            return Ok(());
        }
        let figure = measure();
        let held = figure <= at_most;
        self.held &= held;
        let verdict = if held { "yes" } else { "**no**" };
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "| {name} | {figure:.2} {unit} | {at_most} {unit} | {verdict} |"
        )?;
        out.flush()
    }

    /// A failure if a figure was above its limit.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.held {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
