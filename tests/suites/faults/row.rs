use std::time::Duration;

pub(crate) use switchgear_tests::row::say;

use crate::window::{Timing, Window};

/// A row of the suite's table, in which a time that is too long may be the machine's fault.
#[derive(Debug)]
pub(crate) struct Row {
    row: switchgear_tests::row::Row,
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
            row: switchgear_tests::row::Row::new("faults", law, what),
            disturbed: Vec::new(),
        }
    }

    /// Says what was measured.
    pub(crate) fn figure(&mut self, figure: impl Into<String>) {
        self.row.figure(figure);
    }

    /// Says what must hold, and whether it does.
    pub(crate) fn must(&mut self, target: impl Into<String>, holds: bool) {
        self.row.must(target, holds);
    }

    /// As [`Self::must`] where a claim is made of many: those that it does not hold for are named.
    pub(crate) fn must_for_all(&mut self, target: impl Into<String>, exceptions: &[String]) {
        self.row.must_for_all(target, exceptions);
    }

    /// No request of the window may have failed.
    pub(crate) fn must_not_fail(&mut self, window: &Window) {
        let reasons = (!window.failures.is_empty()).then(|| window.reasons());
        self.row.must_for_all("0 failed", reasons.as_slice());
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
        !self.disturbed.is_empty() && self.row.broken().len() == self.disturbed.len()
    }

    /// Prints the row, keeps it in the whole size, and ends with an error that names what does not
    /// hold.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        self.row.finish()
    }
}
