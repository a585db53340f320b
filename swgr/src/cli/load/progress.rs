use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use super::tally::Tally;

const BAR: usize = 20;
const ON_TERMINAL: Duration = Duration::from_millis(100);
const IN_LOG: Duration = Duration::from_secs(5);

/// Shows on standard error how far a load has come: a bar that is drawn anew on a terminal, a line
/// now and then elsewhere.
#[derive(Debug)]
pub(super) struct Progress {
    style: Style,
    begin: Instant,
    /// How many records there are, where that is known.
    total: Option<usize>,
    is_drawn: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Silent,
    Lines,
    Bar,
}

impl Progress {
    pub(super) fn new(is_quiet: bool, total: Option<usize>) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let style = match is_quiet {
            true => Style::Silent,
            false if io::stderr().is_terminal() && !is_dumb => Style::Bar,
            false => Style::Lines,
        };
        Self {
            style,
            begin: Instant::now(),
            total,
            is_drawn: false,
        }
    }

    /// How often [`Self::show`] is to be called.
    pub(super) fn period(&self) -> Duration {
        match self.style {
            Style::Bar => ON_TERMINAL,
            Style::Lines | Style::Silent => IN_LOG,
        }
    }

    pub(super) fn show(&mut self, tally: &Tally) {
        let elapsed = self.begin.elapsed();
        match self.style {
            Style::Silent => {}
            Style::Lines => say(&format!("{}\n", status(tally, self.total, elapsed))),
            Style::Bar => {
                let bar = self.total.map(|total| bar(tally.settled(), total));
                let status = status(tally, self.total, elapsed);
                // Back to the line's begin, the text, and away with what is behind it.
                say(&format!("\r{}{status}\x1b[K", bar.unwrap_or_default()));
                self.is_drawn = true;
            }
        }
    }

    /// Takes the bar away, so that something else can be said.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            say("\r\x1b[K");
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}

/// That nobody may be listening is no failure.
fn say(text: &str) {
    let mut stderr = io::stderr();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

/// `[=====>    ] `, of a width that fits any terminal together with the rest.
fn bar(settled: usize, total: usize) -> String {
    let full = settled.saturating_mul(BAR) / total.max(1);
    let full = full.min(BAR);
    let head = if full < BAR { ">" } else { "" };
    let rest = BAR - full - head.len();
    format!("[{}{head}{}] ", "=".repeat(full), " ".repeat(rest))
}

/// `1,200 of 5,000 (24%), 600/s, 6 s left, 3 refused`
fn status(tally: &Tally, total: Option<usize>, elapsed: Duration) -> String {
    let settled = tally.settled();
    let rate = tally.settled_now() as f64 / elapsed.as_secs_f64().max(0.001);
    let mut status = match total {
        Some(total) => {
            let share = settled.saturating_mul(100) / total.max(1);
            format!("{} of {} ({share}%)", grouped(settled), grouped(total))
        }
        None => grouped(settled),
    };
    status.push_str(&format!(", {}/s", grouped(rate.round() as usize)));
    if let Some(total) = total
        && rate > 0.0
    {
        let left = total.saturating_sub(settled) as f64 / rate;
        status.push_str(&format!(", {} left", time(left)));
    }
    if tally.refused() > 0 {
        status.push_str(&format!(", {} refused", grouped(tally.refused())));
    }
    status
}

/// `8 s`, `3 min 5 s`, `2 h 7 min`
pub(super) fn time(seconds: f64) -> String {
    match seconds.ceil() as u64 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// `1,234,567`
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use switchgear_core::store::Written;

    use super::*;

    #[test]
    fn shows_share_rate_and_time_left() {
        let mut tally = Tally::default();
        for _ in 0..1_000 {
            tally.earlier();
        }
        for _ in 0..199 {
            tally.acknowledged(Written::Created);
        }
        tally.refuse(3, "why".to_owned());
        let second = Duration::from_secs(1);
        assert_eq!(
            status(&tally, Some(5_000), second),
            "1,200 of 5,000 (24%), 200/s, 19 s left, 1 refused"
        );
        assert_eq!(status(&tally, None, second), "1,200, 200/s, 1 refused");
        let nothing = status(&Tally::default(), Some(0), Duration::ZERO);
        assert_eq!(nothing, "0 of 0 (0%), 0/s");
    }

    #[test]
    fn draws_a_bar_of_one_width() {
        assert_eq!(bar(0, 100), "[>                   ] ");
        assert_eq!(bar(50, 100), "[==========>         ] ");
        for (settled, total) in [(99, 100), (100, 100), (101, 100), (0, 0), (1, 0)] {
            assert_eq!(bar(settled, total).len(), BAR + 3, "{settled} of {total}");
        }
    }

    #[test]
    fn writes_numbers_and_times_as_people_read_them() {
        let numbers = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        let times = [0.2, 59.9, 60.0, 7_265.0].map(time);
        assert_eq!(times, ["1 s", "1 min 0 s", "1 min 0 s", "2 h 1 min"]);
    }
}
