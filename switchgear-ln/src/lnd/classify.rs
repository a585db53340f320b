//! What LND's refusals mean: the one place that reads their codes and texts.
//!
//! LND's errors are mostly plain Go errors, which gRPC sends with the code `Unknown`; only the text
//! tells a locked wallet from a macaroon without rights. The texts are those of LND v0.20
//! (`rpcperms/interceptor.go`, `server.go`, `macaroons/`, `lnrpc/invoicesrpc/addinvoice.go`).

use std::{error::Error as _, sync::Arc};

use switchgear_core::ln::{Blame, LnError, LnErrorKind as Kind};
use tonic::{Code, Status};

use crate::grpc::{ConnectFailure, quote, transport_failure};

/// A part of a text, and what it means in words.
type Row = (&'static str, Kind, &'static str);

/// Looked up when the code says nothing by itself.
const TEXTS: &[Row] = &[
    (
        "wallet locked",
        Kind::NotReady,
        "the wallet is locked: unlock it",
    ),
    (
        "wallet not created",
        Kind::NotReady,
        "the node has no wallet: create one",
    ),
    (
        "waiting to start",
        Kind::NotReady,
        "the node is waiting to start",
    ),
    (
        "in the process of starting",
        Kind::NotReady,
        "the node is starting up",
    ),
    (
        "macaroon store is locked",
        Kind::NotReady,
        "the wallet is locked: unlock it",
    ),
    (
        "server is shutting down",
        Kind::NotReady,
        "the node is shutting down",
    ),
    (
        "server exiting",
        Kind::NotReady,
        "the node is shutting down",
    ),
    (
        "permission denied",
        Kind::Unauthorized,
        "the macaroon lacks the right to make this call",
    ),
    (
        "expected 1 macaroon",
        Kind::Unauthorized,
        "the node wants a macaroon",
    ),
    (
        "verification failed",
        Kind::Unauthorized,
        "the node refused the macaroon",
    ),
    (
        "cannot get macaroon",
        Kind::Unauthorized,
        "the node does not know the macaroon",
    ),
    (
        "cannot determine data format of binary-encoded macaroon",
        Kind::Unauthorized,
        "the macaroon file is no macaroon",
    ),
    (
        "context deadline exceeded",
        Kind::Timeout,
        "the node took too long",
    ),
];

/// Refusals that an invoice request brings upon itself: no fault of the node, which would refuse
/// them for ever.
const REQUESTS: &[&str] = &[
    "is too large, max is",
    "payments of negative value",
    "greater than max expiry",
    "description hash is",
    "memo too large",
];

/// Classifies a failed call.
pub(super) fn call_failure(status: Status) -> LnError {
    if let Some(source) = status.source() {
        let (kind, message) = transport_failure(source);
        return LnError::new(kind, message).with_source(status);
    }
    by_text(&status).unwrap_or_else(|| by_code(&status))
}

/// Classifies a failed connection.
pub(super) fn connect_failure(failure: Arc<ConnectFailure>) -> LnError {
    let (kind, message) = match &*failure {
        ConnectFailure::Transport(error) => transport_failure(error),
        ConnectFailure::TimedOut(_) => (Kind::Timeout, failure.to_string()),
        ConnectFailure::Interrupted => (Kind::Unreachable, failure.to_string()),
    };
    LnError::new(kind, message).with_source(failure)
}

fn by_text(status: &Status) -> Option<LnError> {
    let text = status.message();
    match status.code() {
        Code::Unknown | Code::Unavailable | Code::FailedPrecondition => {}
        // Not the node's word: this side refuses to read more.
        Code::OutOfRange if text.contains("message length too large") => {
            return Some(LnError::new(
                Kind::Protocol,
                "the node's answer is too large",
            ));
        }
        _ => return None,
    }
    if REQUESTS.iter().any(|part| text.contains(part)) {
        return Some(refused(text));
    }
    let (_, kind, words) = TEXTS.iter().find(|(part, ..)| text.contains(part))?;
    Some(LnError::new(*kind, *words))
}

/// What a code alone says. A node that refuses for a reason unknown to the tables is blamed: it may
/// refuse everything, and an ejection tries it again.
fn by_code(status: &Status) -> LnError {
    let text = quote(status.message());
    match status.code() {
        Code::Ok => LnError::new(Kind::Protocol, "the node answered an error without one"),
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::OutOfRange => {
            refused(&text)
        }
        Code::Unknown => refused(&text).with_blame(Blame::Node),
        Code::PermissionDenied | Code::Unauthenticated => {
            let message = format!("the node refused the macaroon: {text}");
            LnError::new(Kind::Unauthorized, message)
        }
        Code::DeadlineExceeded => LnError::new(Kind::Timeout, "the node took too long"),
        Code::Unimplemented => {
            let message = format!("the node does not know this call, is it LND? {text}");
            LnError::new(Kind::Internal, message)
        }
        Code::Cancelled | Code::Unavailable => {
            let message = format!("the node is unavailable: {text}");
            LnError::new(Kind::Unreachable, message)
        }
        Code::ResourceExhausted | Code::FailedPrecondition | Code::Aborted => {
            LnError::new(Kind::NotReady, format!("the node is not ready: {text}"))
        }
        Code::Internal | Code::DataLoss => {
            LnError::new(Kind::Protocol, format!("the node failed: {text}"))
        }
    }
}

fn refused(text: &str) -> LnError {
    let message = format!("the node refused the request: {}", quote(text));
    LnError::new(Kind::Refused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(code: Code, text: &str) -> (Kind, Blame, bool) {
        let error = call_failure(Status::new(code, text));
        (error.kind(), error.blame(), error.is_transient())
    }

    #[test]
    fn reads_every_documented_text() {
        for (text, kind) in [
            (
                "wallet locked, unlock it to enable full RPC access",
                Kind::NotReady,
            ),
            (
                "wallet not created, create one to enable full RPC access",
                Kind::NotReady,
            ),
            (
                "waiting to start, RPC services not available",
                Kind::NotReady,
            ),
            (
                "the RPC server is in the process of starting up, but not yet ready to accept calls",
                Kind::NotReady,
            ),
            ("server is still in the process of starting", Kind::NotReady),
            ("server is shutting down", Kind::NotReady),
            ("permission denied", Kind::Unauthorized),
            ("expected 1 macaroon, got 0", Kind::Unauthorized),
            (
                "verification failed: signature mismatch after caveat verification",
                Kind::Unauthorized,
            ),
            (
                "cannot get macaroon: root key with id 1 doesn't exist",
                Kind::Unauthorized,
            ),
        ] {
            for code in [Code::Unknown, Code::Unavailable] {
                let (found, blame, transient) = classified(code, text);
                assert_eq!(found, kind, "{text}");
                assert_eq!(blame, Blame::Node, "{text}");
                assert_eq!(transient, kind == Kind::NotReady, "{text}");
            }
        }
    }

    #[test]
    fn knows_every_code() {
        use Blame::{Node, Request};

        for (code, kind, blame) in [
            (1, Kind::Unreachable, Node),
            (2, Kind::Refused, Node),
            (3, Kind::Refused, Request),
            (4, Kind::Timeout, Node),
            (5, Kind::Refused, Request),
            (6, Kind::Refused, Request),
            (7, Kind::Unauthorized, Node),
            (8, Kind::NotReady, Node),
            (9, Kind::NotReady, Node),
            (10, Kind::NotReady, Node),
            (11, Kind::Refused, Request),
            (12, Kind::Internal, Request),
            (13, Kind::Protocol, Node),
            (14, Kind::Unreachable, Node),
            (15, Kind::Protocol, Node),
            (16, Kind::Unauthorized, Node),
        ] {
            let (found, blamed, _) = classified(Code::from(code), "text");
            assert_eq!((found, blamed), (kind, blame), "code {code}");
        }
    }

    #[test]
    fn never_blames_the_node_for_an_invalid_argument() {
        for text in ["wallet locked", "permission denied", ""] {
            let (kind, blame, _) = classified(Code::InvalidArgument, text);
            assert_eq!((kind, blame), (Kind::Refused, Blame::Request), "{text}");
        }
    }

    #[test]
    fn does_not_blame_the_node_for_refusing_what_any_node_would() {
        for text in [
            "invoice amount 10000000.1 BTC is too large, max is 100000 BTC",
            "expiry of 4e+07 seconds greater than max expiry of 3.1536e+07 seconds",
        ] {
            let (kind, blame, _) = classified(Code::Unknown, text);
            assert_eq!((kind, blame), (Kind::Refused, Blame::Request), "{text}");
        }
    }

    #[test]
    fn takes_an_answer_beyond_the_limit_for_a_broken_protocol() {
        let text = "Error, decoded message length too large: found 2 bytes, the limit is: 1 bytes";
        let (kind, blame, _) = classified(Code::OutOfRange, text);
        assert_eq!((kind, blame), (Kind::Protocol, Blame::Node));
    }

    #[test]
    fn keeps_a_nodes_words_on_one_line() {
        let error = call_failure(Status::invalid_argument("one\ntwo"));
        assert_eq!(error.to_string(), "the node refused the request: one two");
    }
}
