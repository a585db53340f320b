use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use tokio::sync::mpsc;

use crate::command::{Command, duration, split_word};

/// Commands, and how long to wait before each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Script(Vec<(Duration, String)>);

impl Script {
    /// Reads the file and checks each line, so that a mistake in the last one shows at once.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        Self::parse(&text).with_context(|| format!("{name} is no script"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut steps = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            steps.push(step(line).with_context(|| format!("line {number}"))?);
        }
        Ok(Self(steps))
    }

    /// Says each line when its time has come.
    pub(crate) async fn play(self, commands: mpsc::UnboundedSender<String>) {
        for (wait, line) in self.0 {
            tokio::time::sleep(wait).await;
            if commands.send(line).is_err() {
                break;
            }
        }
    }
}

fn step(line: &str) -> anyhow::Result<(Duration, String)> {
    let timed = line.strip_prefix('+');
    let (time, command) = split_word(timed.context("begin with how long to wait: +5s n1 freeze")?);
    let wait = duration(time)?;
    command.parse::<Command>()?;
    Ok((wait, command.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_steps_and_skips_comments() {
        let script = Script::parse("# a try\n\n+5s n1 freeze\n +20ms  all heal \n").unwrap();
        let steps = vec![
            (Duration::from_secs(5), "n1 freeze".to_owned()),
            (Duration::from_millis(20), "all heal".to_owned()),
        ];
        assert_eq!(script, Script(steps));
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, message) in [
            (
                "n1 freeze",
                "line 1: begin with how long to wait: +5s n1 freeze",
            ),
            (
                "\n+5 list",
                "line 2: a time is a whole number of ms or s: 20ms, 3s",
            ),
            (
                "+5s list\n+1s n1 explode",
                "line 2: there is no fault \"explode\"",
            ),
        ] {
            let error = Script::parse(text).unwrap_err();
            assert_eq!(format!("{error:#}"), message);
        }
    }
}
