//! What was measured, against what must hold.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::PathBuf,
};

use anyhow::{Context as _, bail};

use crate::size::is_long;

/// What one test measured, and what must hold of it: one row of a suite's table of results.
///
/// ```
/// # fn example() -> anyhow::Result<()> {
/// use switchgear_tests::row::Row;
///
/// let mut row = Row::new("edge", "D5", "2,000 paths that are none");
/// row.figure("3 found");
/// row.must("no 5xx", true);
/// row.finish()
/// # }
/// # example().unwrap();
/// ```
#[derive(Debug)]
pub struct Row {
    suite: &'static str,
    law: &'static str,
    what: String,
    figures: Vec<String>,
    targets: Vec<String>,
    broken: Vec<String>,
}

impl Row {
    /// Of a suite, whose rows are kept in `target/SUITE.csv`; of a law, such as `G1`; and what happens.
    pub fn new(suite: &'static str, law: &'static str, what: impl Into<String>) -> Self {
        Self {
            suite,
            law,
            what: what.into(),
            figures: Vec::new(),
            targets: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// Says what was measured.
    pub fn figure(&mut self, figure: impl Into<String>) {
        self.figures.push(figure.into());
    }

    /// Says what must hold, and whether it does.
    pub fn must(&mut self, target: impl Into<String>, holds: bool) {
        let target = target.into();
        if !holds {
            self.broken.push(target.clone());
        }
        self.targets.push(target);
    }

    /// As [`Self::must`] where a claim is made of many: the first of those that it does not hold for are named.
    pub fn must_for_all(&mut self, target: impl Into<String>, exceptions: &[String]) {
        const SHOWN: usize = 5;

        self.must(target, exceptions.is_empty());
        self.broken.extend(exceptions.iter().take(SHOWN).cloned());
    }

    /// Whether all holds so far.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    /// What does not hold so far.
    #[must_use]
    pub fn broken(&self) -> &[String] {
        &self.broken
    }

    /// Prints the row, and keeps it in the whole size.
    ///
    /// # Errors
    ///
    /// Names what does not hold; or says that the row cannot be kept.
    pub fn finish(self) -> anyhow::Result<()> {
        let held = if self.holds() { "yes" } else { "no" };
        let cells = [
            self.law,
            &self.what,
            &self.figures.join(", "),
            &self.targets.join(", "),
            held,
        ];
        say(&format!("| {} |", cells.join(" | ")));
        if is_long() {
            keep(self.suite, &cells).context("the row cannot be kept")?;
        }
        if self.holds() {
            return Ok(());
        }
        bail!(
            "{} does not hold: {} ({})",
            self.law,
            self.broken.join(", "),
            self.figures.join(", ")
        )
    }
}

/// Prints a line.
#[expect(clippy::print_stdout, reason = "what was measured is there to be read")]
pub fn say(line: &str) {
    println!("{line}");
}

/// Beside what is built, where the page of results is made from it.
fn keep(suite: &str, cells: &[&str; 5]) -> anyhow::Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    fs::create_dir_all(&folder)?;
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("{suite}.csv")))?;
    let cells = cells.map(|cell| cell.replace([';', '\n'], ","));
    // In one write, since tests may run side by side.
    file.write_all(format!("{}\n", cells.join(";")).as_bytes())?;
    Ok(())
}
