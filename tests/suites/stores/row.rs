use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::PathBuf,
};

use anyhow::{Context as _, bail};

use crate::size::is_long;

/// What one test measured, and what must hold of it: one row of the table of results.
#[derive(Debug)]
pub(crate) struct Row {
    law: &'static str,
    what: String,
    figures: Vec<String>,
    targets: Vec<String>,
    broken: Vec<String>,
}

impl Row {
    /// Of a law, such as `G1`, and what happens to the store.
    pub(crate) fn new(law: &'static str, what: impl Into<String>) -> Self {
        Self {
            law,
            what: what.into(),
            figures: Vec::new(),
            targets: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// Says what was measured.
    pub(crate) fn figure(&mut self, figure: impl Into<String>) {
        self.figures.push(figure.into());
    }

    /// Says what must hold, and whether it does.
    pub(crate) fn must(&mut self, target: impl Into<String>, holds: bool) {
        let target = target.into();
        if !holds {
            self.broken.push(target.clone());
        }
        self.targets.push(target);
    }

    /// As [`Self::must`] where a claim is made of many: the first of those that it does not hold for are named.
    pub(crate) fn must_for_all(&mut self, target: impl Into<String>, exceptions: &[String]) {
        const SHOWN: usize = 5;

        self.must(target, exceptions.is_empty());
        self.broken.extend(exceptions.iter().take(SHOWN).cloned());
    }

    /// Whether all holds so far.
    pub(crate) fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    /// Prints the row, keeps it in the whole size, and ends with an error that names what does not hold.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let pass = if self.holds() { "yes" } else { "no" };
        let cells = [
            self.law,
            &self.what,
            &self.figures.join(", "),
            &self.targets.join(", "),
            pass,
        ];
        say(&format!("| {} |", cells.join(" | ")));
        if is_long() {
            keep(&cells).context("the row cannot be kept")?;
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

#[expect(
    clippy::print_stdout,
    reason = "the table of results is there to be read"
)]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Beside what is built, where the page of results is made from it.
fn keep(cells: &[&str; 5]) -> anyhow::Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    fs::create_dir_all(&folder)?;
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("stores.csv"))?;
    let cells = cells.map(|cell| cell.replace([';', '\n'], ","));
    // In one write, since tests may run side by side.
    file.write_all(format!("{}\n", cells.join(";")).as_bytes())?;
    Ok(())
}
