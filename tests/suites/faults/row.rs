use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::{
    size::is_long,
    window::{Timing, Window},
};

/// What one test measured, and what must hold of it: one row of the table of results.
#[derive(Debug)]
pub(crate) struct Row {
    law: &'static str,
    what: String,
    figures: Vec<String>,
    targets: Vec<String>,
    broken: Vec<String>,
    /// Times that are too long while the machine itself was late.
    disturbed: Vec<String>,
}

/// Measures, and again where all that does not hold is a time, and the machine itself was late: that
/// says nothing of the server. The last word stands.
pub(crate) async fn measure(test: impl AsyncFn() -> anyhow::Result<Row>) -> anyhow::Result<()> {
    const MORE: usize = 2;

    for _ in 0..MORE {
        let row = test().await?;
        if !row.is_disturbed() {
            return row.finish();
        }
        say(&format!("measured again: {}", row.disturbed.join(", ")));
    }
    test().await?.finish()
}

impl Row {
    /// Of a law, such as `B1`, and what happens to the nodes.
    pub(crate) fn new(law: &'static str, what: impl Into<String>) -> Self {
        Self {
            law,
            what: what.into(),
            figures: Vec::new(),
            targets: Vec::new(),
            broken: Vec::new(),
            disturbed: Vec::new(),
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

    /// As [`Self::must`] where a claim is made of many: those that it does not hold for are named.
    pub(crate) fn must_for_all(&mut self, target: impl Into<String>, exceptions: &[String]) {
        self.must(target, exceptions.is_empty());
        self.broken.extend_from_slice(exceptions);
    }

    /// No request of the window may have failed.
    pub(crate) fn must_not_fail(&mut self, window: &Window) {
        self.must("0 failed", window.failures.is_empty());
        if !window.failures.is_empty() {
            self.broken.push(window.reasons());
        }
    }

    /// No more than `limit`; the time by which the load generator itself was late is the machine's, and
    /// is let off, and said.
    pub(crate) fn must_be_within(&mut self, what: &str, timing: Timing, limit: Duration) {
        /// An idle machine is not so late.
        const LATE: Duration = Duration::from_millis(10);

        let Timing { time, lag } = timing;
        self.must(
            format!("{what} ≤ {} ms", limit.as_millis()),
            time <= limit + lag,
        );
        if time <= limit {
            return;
        }
        let disturbed = format!("{what} {time:.1?}, the machine itself {lag:.1?} late");
        self.figure(disturbed.clone());
        if time > limit + lag && lag > LATE {
            self.disturbed.push(disturbed);
        }
    }

    fn is_disturbed(&self) -> bool {
        !self.disturbed.is_empty() && self.broken.len() == self.disturbed.len()
    }

    /// Prints the row, keeps it in the whole size, and ends with an error that names what does not
    /// hold.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let pass = if self.broken.is_empty() { "yes" } else { "no" };
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
        if self.broken.is_empty() {
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
        .open(folder.join("faults.csv"))?;
    let cells = cells.map(|cell| cell.replace([';', '\n'], ","));
    // In one write, since tests may run side by side.
    file.write_all(format!("{}\n", cells.join(";")).as_bytes())?;
    Ok(())
}
