//! What Core Lightning's refusals mean: the one place that reads their codes and texts.
//!
//! The node's gRPC plugin passes calls on to lightningd's JSON-RPC. What that refuses comes back with
//! the gRPC code `Unknown` and the refusal as Rust's debug text: `Error calling method Invoice: RpcError
//! { code: Some(900), message: "Duplicate label …", data: None }`. So its number is in a text, and no
//! number means that lightningd did not answer the plugin. The numbers are those of `common/jsonrpc_errors.h`;
//! the texts those of `cln-grpc` and `cln-rpc` 0.7.

use switchgear_core::ln::{Blame, LnError, LnErrorKind as Kind};
use tonic::{Code, Status};

use crate::grpc::{Words, by_code, no_answer, quote, refused};

const WORDS: Words = Words {
    software: "Core Lightning",
    credential: "this client's certificate",
};

/// None of the channels named in `exposeprivatechannels` can be used.
const HINTS_GAVE_NO_ROUTES: i64 = 902;

/// A number of lightningd's, what it means, whose fault it is, and that in words.
type Row = (i64, Kind, Blame, &'static str);

/// A refusal that is in no row blames the node: it may refuse everything, and an ejection tries it again.
const REFUSALS: &[Row] = &[
    (
        900,
        Kind::Refused,
        // This side's own: the next call has another label.
        Blame::Request,
        "the node has an invoice of this label already",
    ),
    (
        901,
        Kind::Refused,
        // The node chose it.
        Blame::Node,
        "the node chose a preimage that it used before",
    ),
    (
        HINTS_GAVE_NO_ROUTES,
        Kind::Refused,
        Blame::Request,
        "no private channel can be hinted at",
    ),
    (
        1501,
        Kind::Unauthorized,
        Blame::Node,
        "the node does not let this client make this call",
    ),
    (
        1502,
        Kind::Unauthorized,
        Blame::Node,
        "the node does not let this client make this call",
    ),
    (
        -32600,
        Kind::Refused,
        Blame::Request,
        "the node refused the request's form",
    ),
    (
        -32601,
        Kind::Internal,
        Blame::Node,
        "the node does not know this call: is it an old version?",
    ),
    (
        -32602,
        Kind::Refused,
        Blame::Request,
        "the node refused the request",
    ),
    (
        -4,
        Kind::NotReady,
        Blame::Node,
        "a plugin of the node ended meanwhile",
    ),
    (-5, Kind::NotReady, Blame::Node, "the node is shutting down"),
];

/// What lightningd says with a number that says nothing, -1.
const TEXTS: &[(&str, &str)] = &[
    ("shutting down", "the node is shutting down"),
    ("shutdown", "the node is shutting down"),
    ("starting", "the node is starting up"),
    ("not ready", "the node is not ready"),
];

/// Classifies a status that the node answered.
pub(super) fn call_failure(status: Status) -> LnError {
    if let Some(error) = no_answer(&status) {
        return error;
    }
    match status.code() {
        Code::Unknown => unknown(status.message()),
        Code::Internal if cannot_reach_lightningd(status.message()) => lost_lightningd(),
        _ => by_code(&status, &WORDS),
    }
}

/// Whether an invoice was refused only for the channels that it was to hint at.
pub(super) fn cannot_hint(status: &Status) -> bool {
    status.code() == Code::Unknown
        && Refusal::find(status.message())
            .is_some_and(|refusal| refusal.number == Some(HINTS_GAVE_NO_ROUTES))
}

/// What lightningd answered to the plugin.
struct Refusal<'a> {
    /// `None` where it answered nothing.
    number: Option<i64>,
    /// In its own words.
    message: &'a str,
}

impl<'a> Refusal<'a> {
    /// Reads the first refusal in `text`: what follows it may repeat what the call said.
    fn find(text: &'a str) -> Option<Self> {
        let (_, rest) = text.split_once("RpcError { code: ")?;
        let (number, rest) = match rest.strip_prefix("None") {
            Some(rest) => (None, rest),
            None => {
                let (number, rest) = rest.strip_prefix("Some(")?.split_once(')')?;
                (Some(number.parse().ok()?), rest)
            }
        };
        let message = rest.strip_prefix(", message: ").unwrap_or(rest);
        let message = message
            .rsplit_once(", data: ")
            .map_or(message, |(message, _)| message);
        Some(Self { number, message })
    }
}

fn unknown(text: &str) -> LnError {
    let Some(refusal) = Refusal::find(text) else {
        return refused(text).with_blame(Blame::Node);
    };
    let message = refusal.message;
    let Some(number) = refusal.number else {
        if message.contains("Failed to parse response") {
            let message = "the node's gRPC plugin does not understand lightningd";
            return LnError::new(Kind::Protocol, message);
        }
        return lost_lightningd();
    };
    if let Some((_, kind, blame, words)) = REFUSALS.iter().find(|row| row.0 == number) {
        let message = format!("{words}: {}", quote(message));
        return LnError::new(*kind, message).with_blame(*blame);
    }
    match TEXTS.iter().find(|(part, _)| message.contains(part)) {
        Some((_, words)) if number == -1 => LnError::new(Kind::NotReady, *words),
        _ => refused(message).with_blame(Blame::Node),
    }
}

/// The plugin connects to lightningd for each call, and passes on why it cannot.
fn cannot_reach_lightningd(text: &str) -> bool {
    text.contains("(os error ")
}

fn lost_lightningd() -> LnError {
    let message = "the node's gRPC plugin cannot reach lightningd";
    LnError::new(Kind::NotReady, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(number: i64, message: &str) -> Status {
        Status::unknown(format!(
            "Error calling method Invoice: RpcError {{ code: Some({number}), message: {message:?}, data: None }}"
        ))
    }

    fn classified(status: Status) -> (Kind, Blame, bool) {
        let error = call_failure(status);
        (error.kind(), error.blame(), error.is_transient())
    }

    #[test]
    fn knows_every_number_of_an_invoice() {
        use Blame::{Node, Request};

        for (number, text, kind, blame) in [
            (900, "Duplicate label 'a'", Kind::Refused, Request),
            (901, "preimage already used", Kind::Refused, Node),
            (
                902,
                "None of those hints were suitable local channels",
                Kind::Refused,
                Request,
            ),
            (1501, "Not authorized", Kind::Unauthorized, Node),
            (1502, "Not permitted", Kind::Unauthorized, Node),
            (-32600, "Invalid request", Kind::Refused, Request),
            (-32601, "Unknown command 'invoice'", Kind::Internal, Node),
            (
                -32602,
                "Descriptions greater than 640 bytes not supported (description length 700)",
                Kind::Refused,
                Request,
            ),
            (-1, "database is on fire", Kind::Refused, Node),
            (-1, "lightningd is shutting down", Kind::NotReady, Node),
            (-3, "plugin error", Kind::Refused, Node),
            (
                -4,
                "Plugin terminated before replying to RPC call.",
                Kind::NotReady,
                Node,
            ),
            (-5, "lightningd is shutting down", Kind::NotReady, Node),
            (12_345, "a number of a later version", Kind::Refused, Node),
        ] {
            let expected = (kind, blame, kind == Kind::NotReady);
            assert_eq!(
                classified(refusal(number, text)),
                expected,
                "{number}: {text}"
            );
        }
    }

    #[test]
    fn takes_silence_of_lightningd_for_a_node_that_is_not_ready() {
        for status in [
            Status::unknown(
                "Error calling method Getinfo: RpcError { code: None, message: \"no response from lightningd\", data: None }",
            ),
            Status::internal("No such file or directory (os error 2)"),
            Status::internal("Connection refused (os error 111)"),
        ] {
            let error = call_failure(status);
            assert_eq!((error.kind(), error.blame()), (Kind::NotReady, Blame::Node));
            assert!(error.is_transient());
            let words = "the node's gRPC plugin cannot reach lightningd";
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn tells_a_plugin_of_another_version_from_silence() {
        let text = "Error calling method Getinfo: RpcError { code: None, message: \"Failed to parse response Error(\\\"missing field\\\")\", data: None }";
        let (kind, blame, transient) = classified(Status::unknown(text));
        assert_eq!(
            (kind, blame, transient),
            (Kind::Protocol, Blame::Node, false)
        );
    }

    #[test]
    fn reads_the_first_number_and_not_what_a_text_repeats() {
        let repeated = "Duplicate label 'RpcError { code: Some(-5) }'";
        let (kind, blame, _) = classified(refusal(900, repeated));
        assert_eq!((kind, blame), (Kind::Refused, Blame::Request));
    }

    #[test]
    fn blames_the_node_for_what_it_cannot_read() {
        for text in [
            "",
            "RpcError { code: Some(nine) }",
            "RpcError { code: Some(900",
        ] {
            let (kind, blame, _) = classified(Status::unknown(text));
            assert_eq!((kind, blame), (Kind::Refused, Blame::Node), "{text}");
        }
    }

    #[test]
    fn says_what_a_code_means_in_its_own_words() {
        for (status, kind, words) in [
            (
                Status::unauthenticated("text"),
                Kind::Unauthorized,
                "the node refused this client's certificate: text",
            ),
            (
                Status::unimplemented("text"),
                Kind::Internal,
                "the node does not know this call, is it Core Lightning? text",
            ),
        ] {
            let error = call_failure(status);
            assert_eq!((error.kind(), error.blame()), (kind, Blame::Node));
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn never_blames_the_node_for_an_invalid_argument() {
        for text in ["RpcError { code: Some(-5)", "(os error 2)", ""] {
            let (kind, blame, _) = classified(Status::invalid_argument(text));
            assert_eq!((kind, blame), (Kind::Refused, Blame::Request), "{text}");
        }
    }

    #[test]
    fn takes_an_answer_beyond_the_limit_for_a_broken_protocol() {
        let text = "Error, decoded message length too large: found 2 bytes, the limit is: 1 bytes";
        let (kind, blame, _) = classified(Status::out_of_range(text));
        assert_eq!((kind, blame), (Kind::Protocol, Blame::Node));
    }

    #[test]
    fn knows_when_only_the_hints_were_refused() {
        assert!(cannot_hint(&refusal(902, "None of those hints")));
        assert!(!cannot_hint(&refusal(900, "Some(902)")));
        assert!(!cannot_hint(&Status::internal(
            "RpcError { code: Some(902) }"
        )));
    }

    #[test]
    fn keeps_a_nodes_words_on_one_line() {
        let error = call_failure(refusal(-32602, "one\ntwo"));
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}
