//! The table of figures that stand for themselves.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    process::ExitCode,
};

use crate::{cases::Options, pairs::median};

/// Figures, each with the most that it may be.
#[derive(Debug)]
pub struct Limits {
    options: Options,
    held: bool,
    rows: Vec<Row>,
}

/// A figure and everything that was measured for it.
#[derive(Debug)]
struct Row {
    name: String,
    unit: &'static str,
    values: Vec<f64>,
}

impl Limits {
    /// Begins the table.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written.
    pub fn new(options: Options) -> io::Result<Self> {
        let head = "\n| case | measured | at most | held |\n|---|--:|--:|---|";
        writeln!(io::stdout(), "{head}")?;
        Ok(Self {
            options,
            held: true,
            rows: Vec::new(),
        })
    }

    /// Whether the case of this name is to be measured.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        self.options.asks_for(name)
    }

    /// Measures a figure in `unit`, if it is asked for, and writes its row.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written.
    pub fn figure(
        &mut self,
        name: &str,
        unit: &'static str,
        at_most: f64,
        measure: impl FnOnce() -> f64,
    ) -> io::Result<()> {
        self.figures(name, unit, at_most, || vec![measure()])
    }

    /// Measures a figure several times, if it is asked for, and writes a row with the median.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written.
    pub fn figures(
        &mut self,
        name: &str,
        unit: &'static str,
        at_most: f64,
        measure: impl FnOnce() -> Vec<f64>,
    ) -> io::Result<()> {
        if !self.asks_for(name) {
            return Ok(());
        }
        let values = measure();
        let figure = median(&values);
        let held = figure <= at_most;
        self.held &= held;
        let verdict = if held { "yes" } else { "**no**" };
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "| {name} | {figure:.2} {unit} | {at_most} {unit} | {verdict} |"
        )?;
        let name = name.to_owned();
        self.rows.push(Row { name, unit, values });
        out.flush()
    }

    /// Writes everything that was measured where it was asked for; a failure if a figure was above its
    /// limit.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(self) -> io::Result<ExitCode> {
        if let Some(path) = &self.options.figures {
            self.write_figures(BufWriter::new(File::create(path)?))?;
        }
        Ok(if self.held {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// A row of CSV for each value: the case, the value's number, the value and its unit.
    fn write_figures(&self, mut out: impl io::Write) -> io::Result<()> {
        writeln!(out, "case,number,value,unit")?;
        for Row { name, unit, values } in &self.rows {
            for (number, value) in values.iter().enumerate() {
                writeln!(out, "\"{name}\",{number},{value:.4},{unit}")?;
            }
        }
        out.flush()
    }
}
