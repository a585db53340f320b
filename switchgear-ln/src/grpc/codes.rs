//! What the codes of gRPC say of a node of any kind; its own texts are read by its kind's table.

use switchgear_core::ln::{Blame, LnError, LnErrorKind as Kind};
use tonic::{Code, Status};

use super::quote;

/// The words that differ between kinds of nodes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// The kind, by its name.
    pub(crate) software: &'static str,
    /// What a client shows, and the node may refuse.
    pub(crate) credential: &'static str,
}

/// How the texts begin that tonic makes itself, of answers that are none, and what to say instead.
const LOCAL_TEXTS: &[(&str, &str)] = &[
    (
        "Error, decoded message length too large: ",
        "the node's answer is too large",
    ),
    (
        "Content is compressed with ",
        "the node's answer is compressed, which was not asked for",
    ),
    (
        "protocol error: missing grpc-status trailer",
        "the node's answer ends without a gRPC status: is a proxy in between?",
    ),
    (
        "protocol error: received message with ",
        "the node's answer is no gRPC message",
    ),
    (
        "Unexpected EOF decoding stream.",
        "the node's answer ends in the middle of a message",
    ),
    (
        "Missing response message.",
        "the node's answer holds no message",
    ),
];

/// What tonic says of an answer in plain HTTP, before the HTTP status.
const PLAIN_HTTP: &str = "grpc-status header missing, mapped from HTTP status code ";

/// What this side found wrong with an answer: no word of the node's, whatever the code.
pub(crate) fn no_answer(status: &Status) -> Option<LnError> {
    let text = status.message();
    if let Some(http) = text.strip_prefix(PLAIN_HTTP) {
        let http = quote(http);
        let message = format!("the node does not answer gRPC but HTTP status {http}");
        return Some(LnError::new(Kind::Protocol, message));
    }
    let (_, words) = LOCAL_TEXTS
        .iter()
        .find(|(start, _)| text.starts_with(start))?;
    Some(LnError::new(Kind::Protocol, *words))
}

/// What a code alone says. A node that refuses for a reason unknown to its table is blamed: it may
/// refuse everything, and an ejection tries it again.
pub(crate) fn by_code(status: &Status, words: &Words) -> LnError {
    let text = quote(status.message());
    let Words {
        software,
        credential,
    } = words;
    let (kind, message) = match status.code() {
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::OutOfRange => {
            return refused(&text);
        }
        Code::Unknown => return refused(&text).with_blame(Blame::Node),
        Code::Unimplemented => {
            let message = format!("the node does not know this call, is it {software}? {text}");
            return LnError::new(Kind::Internal, message).with_blame(Blame::Node);
        }
        Code::PermissionDenied | Code::Unauthenticated => (
            Kind::Unauthorized,
            format!("the node refused {credential}: {text}"),
        ),
        Code::DeadlineExceeded => (Kind::Timeout, "the node took too long".to_owned()),
        Code::Cancelled | Code::Unavailable => (
            Kind::Unreachable,
            format!("the node is unavailable: {text}"),
        ),
        Code::ResourceExhausted | Code::FailedPrecondition | Code::Aborted => {
            (Kind::NotReady, format!("the node is not ready: {text}"))
        }
        Code::Ok | Code::Internal | Code::DataLoss => {
            (Kind::Protocol, format!("the node failed: {text}"))
        }
    };
    LnError::new(kind, message)
}

/// A refusal of what was asked, in the node's words.
pub(crate) fn refused(text: &str) -> LnError {
    let message = format!("the node refused the request: {}", quote(text));
    LnError::new(Kind::Refused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words = Words {
        software: "Alice",
        credential: "the password",
    };

    #[test]
    fn tells_of_every_code_whose_fault_it_is_whether_it_passes_and_what_to_show() {
        use Blame::{Node, Request};

        const UNAVAILABLE: &str = "the node is unavailable: text";
        const REFUSED: &str = "the node refused the request: text";
        const UNAUTHORIZED: &str = "the node refused the password: text";
        const NOT_READY: &str = "the node is not ready: text";
        const UNKNOWN_CALL: &str = "the node does not know this call, is it Alice? text";
        const FAILED: &str = "the node failed: text";

        for (code, kind, blame, transient, shown) in [
            (1, Kind::Unreachable, Node, true, UNAVAILABLE),
            (2, Kind::Refused, Node, false, REFUSED),
            (3, Kind::Refused, Request, false, REFUSED),
            (4, Kind::Timeout, Node, true, "the node took too long"),
            (5, Kind::Refused, Request, false, REFUSED),
            (6, Kind::Refused, Request, false, REFUSED),
            (7, Kind::Unauthorized, Node, false, UNAUTHORIZED),
            (8, Kind::NotReady, Node, true, NOT_READY),
            (9, Kind::NotReady, Node, true, NOT_READY),
            (10, Kind::NotReady, Node, true, NOT_READY),
            (11, Kind::Refused, Request, false, REFUSED),
            (12, Kind::Internal, Node, false, UNKNOWN_CALL),
            (13, Kind::Protocol, Node, false, FAILED),
            (14, Kind::Unreachable, Node, true, UNAVAILABLE),
            (15, Kind::Protocol, Node, false, FAILED),
            (16, Kind::Unauthorized, Node, false, UNAUTHORIZED),
        ] {
            let status = Status::new(Code::from(code), "text");
            assert!(no_answer(&status).is_none());
            let error = by_code(&status, &WORDS);
            let found = (error.kind(), error.blame(), error.is_transient());
            assert_eq!(found, (kind, blame, transient), "code {code}");
            assert_eq!(error.to_string(), shown, "code {code}");
        }
    }

    #[test]
    fn blames_the_node_for_what_is_no_answer_whatever_code_it_got() {
        for (text, words) in [
            (
                "Error, decoded message length too large: found 2 bytes, the limit is: 1 bytes",
                "the node's answer is too large",
            ),
            (
                "Content is compressed with `gzip` which isn't supported",
                "the node's answer is compressed, which was not asked for",
            ),
            (
                "protocol error: missing grpc-status trailer, stream was terminated without a \
                 final status (possible truncation by a proxy or load balancer)",
                "the node's answer ends without a gRPC status: is a proxy in between?",
            ),
            (
                "protocol error: received message with compressed-flag but no grpc-encoding was \
                 specified",
                "the node's answer is no gRPC message",
            ),
            (
                "grpc-status header missing, mapped from HTTP status code 404",
                "the node does not answer gRPC but HTTP status 404",
            ),
            (
                "Unexpected EOF decoding stream.",
                "the node's answer ends in the middle of a message",
            ),
            (
                "Missing response message.",
                "the node's answer holds no message",
            ),
        ] {
            for code in [Code::Unknown, Code::OutOfRange, Code::Unimplemented] {
                let error = no_answer(&Status::new(code, text)).unwrap();
                let found = (error.kind(), error.blame());
                assert_eq!(found, (Kind::Protocol, Blame::Node), "{text}");
                assert_eq!(error.to_string(), words);
            }
        }
    }

    #[test]
    fn leaves_a_nodes_own_words_to_its_table() {
        for text in [
            "",
            "unknown method: protocol error: missing grpc-status trailer",
            "the memo says: Content is compressed with `gzip`",
        ] {
            assert!(no_answer(&Status::unknown(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn keeps_a_nodes_words_on_one_line() {
        let error = by_code(&Status::invalid_argument("one\ntwo"), &WORDS);
        assert_eq!(error.to_string(), "the node refused the request: one two");
    }
}
