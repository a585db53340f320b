use std::{fmt::Write as _, str::FromStr, time::Duration};

use switchgear_ln::sim::{Fault, FaultKind, SimLie};

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Do(Who, Action),
    List,
    Help,
    Quit,
}

/// Whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    All,
    Node(String),
}

/// What a node is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Fail(Fault),
    Heal,
    Restart,
    /// In satoshi.
    Inbound(u64),
    Latency(Duration),
    RotateCertificate,
    RotateMacaroon,
}

impl FromStr for Command {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let (who, action) = split_word(line);
        match (who, action) {
            ("list", "") => return Ok(Self::List),
            ("help", "") => return Ok(Self::Help),
            ("quit" | "exit", "") => return Ok(Self::Quit),
            (_, "") => anyhow::bail!("name a node, then what it does: n1 freeze"),
            _ => {}
        }
        let who = match who {
            "all" => Who::All,
            name => Who::Node(name.to_owned()),
        };
        Ok(Self::Do(who, action.parse()?))
    }
}

impl FromStr for Action {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match split_word(text) {
            ("heal", "") => Self::Heal,
            ("restart", "") => Self::Restart,
            ("rotate-certificate", "") => Self::RotateCertificate,
            ("rotate-macaroon", "") => Self::RotateMacaroon,
            ("inbound", sat) => match sat.parse() {
                Ok(sat) => Self::Inbound(sat),
                Err(_) => anyhow::bail!("inbound is a whole number of satoshi"),
            },
            ("latency", time) => Self::Latency(duration(time)?),
            _ => Self::Fail(text.parse()?),
        })
    }
}

/// A time is written as faults have it.
pub(crate) fn duration(text: &str) -> anyhow::Result<Duration> {
    match format!("slow {text}").parse()? {
        Fault::Slow(time) => Ok(time),
        _ => anyhow::bail!("a time is a whole number of ms or s"),
    }
}

pub(crate) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

/// All that can be written.
pub(crate) fn help() -> String {
    let mut help = String::from("NODE or all, and then one of\n");
    for kind in FaultKind::ALL {
        line(
            &mut help,
            &format!("{kind} {}", kind.usage()),
            kind.summary(),
        );
    }
    for (written, summary) in [
        ("locked, starting", "answer as LND does before it is ready"),
        (
            "shutting-down, lightningd-gone",
            "answer as Core Lightning does on its way out",
        ),
        ("one-in N FAULT", "let one call in N meet a fault of calls"),
        ("heal", "work well again"),
        ("restart", "break connections, and come back well"),
        ("inbound SAT", "receive that much"),
        ("latency TIME", "take that long for each answer, as usual"),
        ("rotate-certificate", "show and write a new certificate"),
        ("rotate-macaroon", "take and write a new macaroon (LND)"),
    ] {
        line(&mut help, written, summary);
    }
    let lies = SimLie::ALL.map(SimLie::as_str).join(", ");
    help.push_str(&format!(
        "TIME: 20ms, 3s; WHAT: {lies}\nlist: the nodes and what they did; help; quit"
    ));
    help
}

fn line(help: &mut String, written: &str, summary: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(help, "  {:<32}{summary}", written.trim());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commands() {
        let node = |name: &str| Who::Node(name.to_owned());
        let text = "try another".to_owned();
        for (written, command) in [
            ("list", Command::List),
            ("help", Command::Help),
            ("quit", Command::Quit),
            ("all heal", Command::Do(Who::All, Action::Heal)),
            ("n1 restart", Command::Do(node("n1"), Action::Restart)),
            (
                "n1 freeze",
                Command::Do(node("n1"), Action::Fail(Fault::Freeze)),
            ),
            (
                "n2  status 14 try another",
                Command::Do(node("n2"), Action::Fail(Fault::Status { code: 14, text })),
            ),
            (
                "n1 slow 3s",
                Command::Do(
                    node("n1"),
                    Action::Fail(Fault::Slow(Duration::from_secs(3))),
                ),
            ),
            (
                "all latency 20ms",
                Command::Do(Who::All, Action::Latency(Duration::from_millis(20))),
            ),
            ("n1 inbound 7", Command::Do(node("n1"), Action::Inbound(7))),
            (
                "n1 rotate-certificate",
                Command::Do(node("n1"), Action::RotateCertificate),
            ),
        ] {
            assert_eq!(written.parse::<Command>().unwrap(), command, "{written}");
        }
    }

    #[test]
    fn says_what_a_line_lacks() {
        for (written, message) in [
            ("freeze", "name a node, then what it does: n1 freeze"),
            ("n1 explode", "there is no fault \"explode\""),
            ("n1 inbound much", "inbound is a whole number of satoshi"),
            (
                "n1 latency 3",
                "a time is a whole number of ms or s: 20ms, 3s",
            ),
        ] {
            let error = written.parse::<Command>().unwrap_err();
            assert_eq!(error.to_string(), message, "{written}");
        }
    }

    #[test]
    fn helps_with_every_fault_and_lie() {
        let help = help();
        let words = FaultKind::ALL.map(FaultKind::as_str);
        for word in words.into_iter().chain(SimLie::ALL.map(SimLie::as_str)) {
            assert!(help.contains(word), "{word}");
        }
    }
}
