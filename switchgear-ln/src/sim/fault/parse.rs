use std::{str::FromStr, time::Duration};

use super::{Fault, FaultKind, SimLie};

/// Why a text is no fault, and what would be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseFaultError(String);

impl FromStr for Fault {
    type Err = ParseFaultError;

    /// Reads the word of a [`FaultKind`] with what it needs; `one-in N FAULT`; and the short forms
    /// `locked`, `starting`, `shutting-down` and `lightningd-gone`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, rest) = split_word(text);
        match word {
            "" => return Err(error("a fault is missing")),
            "locked" => return alone(word, rest, Self::locked()),
            "starting" => return alone(word, rest, Self::starting()),
            "shutting-down" => return alone(word, rest, Self::shutting_down()),
            "lightningd-gone" => return alone(word, rest, Self::lightningd_gone()),
            "one-in" => return one_in(rest),
            _ => {}
        }
        let kind = FaultKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| error(format!("there is no fault {word:?}")))?;
        of_kind(kind, rest)
    }
}

fn of_kind(kind: FaultKind, rest: &str) -> Result<Fault, ParseFaultError> {
    let fault = match kind {
        FaultKind::Slow => return duration(rest).map(Fault::Slow),
        FaultKind::Trickle => return duration(rest).map(Fault::Trickle),
        FaultKind::Lie => return lie(rest).map(Fault::Lie),
        FaultKind::Status => return status(rest),
        FaultKind::RpcError => return rpc_error(rest),
        FaultKind::Refuse => Fault::Refuse,
        FaultKind::Die => Fault::Die,
        FaultKind::Freeze => Fault::Freeze,
        FaultKind::BlackHole => Fault::BlackHole,
        FaultKind::Hang => Fault::Hang,
        FaultKind::HangInvoices => Fault::HangInvoices,
        FaultKind::StallAfterHeaders => Fault::StallAfterHeaders,
        FaultKind::ResetMidAnswer => Fault::ResetMidAnswer,
        FaultKind::GoAway => Fault::GoAway,
        FaultKind::GoAwayUnanswered => Fault::GoAwayUnanswered,
        FaultKind::FlowControlStall => Fault::FlowControlStall,
        FaultKind::TlsAlert => Fault::TlsAlert,
        FaultKind::ExpiredCertificate => Fault::ExpiredCertificate,
        FaultKind::SwappedCertificate => Fault::SwappedCertificate,
        FaultKind::Unsynced => Fault::Unsynced,
        FaultKind::NoChannelRights => Fault::NoChannelRights,
        FaultKind::HangChannels => Fault::HangChannels,
    };
    alone(kind.as_str(), rest, fault)
}

fn alone(word: &str, rest: &str, fault: Fault) -> Result<Fault, ParseFaultError> {
    if rest.is_empty() {
        return Ok(fault);
    }
    Err(error(format!("nothing may stand behind {word:?}")))
}

fn one_in(rest: &str) -> Result<Fault, ParseFaultError> {
    let (calls, fault) = split_word(rest);
    let calls = calls
        .parse()
        .ok()
        .filter(|calls| *calls > 0)
        .ok_or_else(|| error("write one-in with a number and a fault: one-in 2 starting"))?;
    let fault: Fault = fault.parse()?;
    if !fault.kind().is_of_calls() {
        let kind = fault.kind();
        let message = format!("{kind} concerns the whole node, not one call in {calls}");
        return Err(error(message));
    }
    Ok(Fault::one_in(calls, fault))
}

fn status(rest: &str) -> Result<Fault, ParseFaultError> {
    let (code, text) = split_word(rest);
    let code = code
        .parse()
        .ok()
        .filter(|code| (1..=16).contains(code))
        .ok_or_else(|| error("a gRPC status is a number from 1 to 16"))?;
    Ok(Fault::Status {
        code,
        text: text.to_owned(),
    })
}

fn rpc_error(rest: &str) -> Result<Fault, ParseFaultError> {
    let (code, message) = split_word(rest);
    let code = code
        .parse()
        .map_err(|_| error("a code of JSON-RPC is a number, such as -32602 or 900"))?;
    Ok(Fault::RpcError {
        code,
        message: message.to_owned(),
    })
}

fn lie(rest: &str) -> Result<SimLie, ParseFaultError> {
    let known = |lie: &SimLie| lie.as_str() == rest;
    SimLie::ALL.into_iter().find(known).ok_or_else(|| {
        let all = SimLie::ALL.map(SimLie::as_str).join(", ");
        error(format!("a lie is one of {all}"))
    })
}

fn duration(text: &str) -> Result<Duration, ParseFaultError> {
    let no_duration = || error("a time is a whole number of ms or s: 20ms, 3s");
    let split = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(split.unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| no_duration())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        _ => Err(no_duration()),
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

fn error(message: impl Into<String>) -> ParseFaultError {
    ParseFaultError(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_as_its_usage_says() {
        for kind in FaultKind::ALL {
            let rest = match kind.usage() {
                "TIME" => "20ms",
                "CODE [TEXT]" => "14 out  of order",
                "WHAT" => "payment-hash",
                "" => "",
                other => panic!("no example of {other}"),
            };
            let fault: Fault = format!(" {kind}  {rest} ").parse().unwrap();
            assert_eq!(fault.kind(), kind);
        }
        for lie in SimLie::ALL {
            assert_eq!(format!("lie {lie}").parse(), Ok(Fault::Lie(lie)));
        }
    }

    #[test]
    fn reads_particulars() {
        let text = "out  of order".to_owned();
        for (written, fault) in [
            ("slow 3s", Fault::Slow(Duration::from_secs(3))),
            ("trickle 20ms", Fault::Trickle(Duration::from_millis(20))),
            ("status 14 out  of order", Fault::Status { code: 14, text }),
            ("one-in 3 locked", Fault::one_in(3, Fault::locked())),
            ("shutting-down", Fault::shutting_down()),
            ("lightningd-gone", Fault::lightningd_gone()),
        ] {
            assert_eq!(written.parse(), Ok(fault), "{written}");
        }
    }

    #[test]
    fn says_what_would_be_right() {
        for (written, message) in [
            ("", "a fault is missing"),
            ("explode", "there is no fault \"explode\""),
            ("freeze now", "nothing may stand behind \"freeze\""),
            ("slow", "a time is a whole number of ms or s: 20ms, 3s"),
            ("slow 3m", "a time is a whole number of ms or s: 20ms, 3s"),
            ("status 17", "a gRPC status is a number from 1 to 16"),
            (
                "rpc-error x",
                "a code of JSON-RPC is a number, such as -32602 or 900",
            ),
            (
                "one-in 0 hang",
                "write one-in with a number and a fault: one-in 2 starting",
            ),
            (
                "one-in 2 freeze",
                "freeze concerns the whole node, not one call in 2",
            ),
        ] {
            let error = written.parse::<Fault>().unwrap_err();
            assert_eq!(error.to_string(), message, "{written}");
        }
        let error = "lie white".parse::<Fault>().unwrap_err().to_string();
        assert!(
            error.starts_with("a lie is one of amount, amountless"),
            "{error}"
        );
    }

    #[test]
    fn meets_one_call_in_so_many() {
        let fault = Fault::one_in(4, Fault::Hang);
        let met = (0..4_000).filter(|_| fault.rolled().is_some()).count();
        // Ten standard deviations to each side.
        assert!((726..=1_274).contains(&met), "{met}");
        assert_eq!(Fault::one_in(0, Fault::Hang).rolled(), Some(&Fault::Hang));
    }
}
