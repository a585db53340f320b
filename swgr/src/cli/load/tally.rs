use serde::Serialize;
use switchgear_core::store::Written;

use super::progress::{grouped, time};

/// How many refusals are told one by one; the rest are counted.
const TOLD: usize = 1_000;

/// What became of the records so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    created: usize,
    updated: usize,
    earlier: usize,
    refused: usize,
    refusals: Vec<Refusal>,
}

/// A line that the service, or this program, refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Refusal {
    line: usize,
    reason: String,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    finished: bool,
    created: usize,
    updated: usize,
    earlier: usize,
    refused: usize,
    seconds: f64,
    refusals: &'a [Refusal],
}

impl Tally {
    pub(super) fn acknowledged(&mut self, written: Written) {
        match written {
            Written::Created => self.created += 1,
            Written::Updated => self.updated += 1,
        }
    }

    /// A load before this one has done it.
    pub(super) fn earlier(&mut self) {
        self.earlier += 1;
    }

    pub(super) fn refuse(&mut self, line: usize, reason: String) {
        self.refused += 1;
        if self.refusals.len() < TOLD {
            self.refusals.push(Refusal { line, reason });
        }
    }

    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    pub(super) fn settled(&self) -> usize {
        self.settled_now() + self.earlier
    }

    pub(super) fn settled_now(&self) -> usize {
        self.created + self.updated + self.refused
    }

    /// Puts the refusals in the order of the file, in which they did not come.
    pub(super) fn sort(&mut self) {
        self.refusals.sort_by_key(|refusal| refusal.line);
    }

    /// `line 3: …` for each refusal that was kept, and how many more there are.
    pub(super) fn refusals(&self) -> String {
        let mut lines: Vec<_> = self
            .refusals
            .iter()
            .map(|refusal| format!("line {}: {}", refusal.line, refusal.reason))
            .collect();
        match self.refused - self.refusals.len() {
            0 => {}
            more => lines.push(format!("… and {} more", grouped(more))),
        }
        lines.join("\n")
    }

    /// `Loaded in 3 s: 9 created, 1 updated, 2 loaded earlier, 1 refused`
    pub(super) fn sentence(&self, is_finished: bool, seconds: f64) -> String {
        let begin = if is_finished {
            "Loaded in"
        } else {
            "Stopped after"
        };
        let begin = format!("{begin} {}", time(seconds));
        let mut parts = vec![
            format!("{} created", grouped(self.created)),
            format!("{} updated", grouped(self.updated)),
        ];
        if self.earlier > 0 {
            parts.push(format!("{} loaded earlier", grouped(self.earlier)));
        }
        parts.push(format!("{} refused", grouped(self.refused)));
        format!("{begin}: {}", parts.join(", "))
    }

    pub(super) fn summary(&self, finished: bool, seconds: f64) -> impl Serialize + '_ {
        Summary {
            finished,
            created: self.created,
            updated: self.updated,
            earlier: self.earlier,
            refused: self.refused,
            seconds,
            refusals: &self.refusals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_thousand_refusals_and_counts_the_rest() {
        let mut tally = Tally::default();
        for line in (1..=1_002).rev() {
            tally.refuse(line, "why".to_owned());
        }
        tally.sort();
        let told = tally.refusals();
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines.len(), 1_001);
        assert_eq!((lines[0], lines[1_000]), ("line 3: why", "… and 2 more"));
    }
}
