//! What LND's refusals mean: the one place that reads their codes and texts.
//!
//! LND's errors are mostly plain Go errors, which gRPC sends with the code `Unknown`; only the text
//! tells a locked wallet from a macaroon without rights. The texts are those of LND v0.20
//! (`rpcperms/interceptor.go`, `server.go`, `macaroons/`, `lnrpc/invoicesrpc/addinvoice.go`) and of what
//! it checks macaroons with (`macaroon-bakery.v2`, `bakery/checker.go` and `bakery/oven.go`).

use switchgear_core::ln::{LnError, LnErrorKind as Kind};
use tonic::{Code, Status};

use crate::grpc::{Words, by_code, no_answer, refused};

const WORDS: Words = Words {
    software: "LND",
    credential: "the macaroon",
};

/// Where LND says it. Any part of a text would be too wide: much of what a file, a database or the
/// chain says ends up in one.
enum Text {
    Is(&'static str),
    Starts(&'static str),
    Ends(&'static str),
}

impl Text {
    fn is_of(&self, text: &str) -> bool {
        match self {
            Self::Is(whole) => text == *whole,
            Self::Starts(start) => text.starts_with(start),
            Self::Ends(end) => text.ends_with(end),
        }
    }
}

/// A text, and what it means in words.
type Row = (Text, Kind, &'static str);

/// Looked up when the code says nothing by itself; the first that fits.
const TEXTS: &[Row] = &[
    (
        Text::Starts("wallet locked"),
        Kind::NotReady,
        "the wallet is locked: unlock it",
    ),
    (
        Text::Starts("wallet not created"),
        Kind::NotReady,
        "the node has no wallet: create one",
    ),
    (
        Text::Starts("waiting to start"),
        Kind::NotReady,
        "the node is waiting to start",
    ),
    (
        Text::Starts("the RPC server is in the process of starting"),
        Kind::NotReady,
        "the node is starting up",
    ),
    (
        Text::Starts("server is still in the process of starting"),
        Kind::NotReady,
        "the node is starting up",
    ),
    (
        Text::Ends("macaroon store is locked"),
        Kind::NotReady,
        "the wallet is locked: unlock it",
    ),
    (
        Text::Ends("shutting down"),
        Kind::NotReady,
        "the node is shutting down",
    ),
    (
        Text::Is("server exiting"),
        Kind::NotReady,
        "the node is shutting down",
    ),
    (
        Text::Is("permission denied"),
        Kind::Unauthorized,
        "the macaroon lacks the right to make this call",
    ),
    (
        Text::Starts("expected 1 macaroon, got "),
        Kind::Unauthorized,
        "the node wants a macaroon",
    ),
    (
        Text::Ends("not satisfied: macaroon has expired"),
        Kind::Unauthorized,
        "the macaroon has expired",
    ),
    (
        Text::Starts("caveat \""),
        Kind::Unauthorized,
        "a caveat of the macaroon is not satisfied",
    ),
    (
        Text::Starts("verification failed: "),
        Kind::Unauthorized,
        "the node refused the macaroon",
    ),
    (
        Text::Starts("cannot retrieve macaroon: "),
        Kind::Unauthorized,
        "the node does not know the macaroon",
    ),
    (
        Text::Starts("cannot get macaroon: "),
        Kind::Unauthorized,
        "the node does not know the macaroon",
    ),
    (
        Text::Starts("unknown macaroon version: "),
        Kind::Unauthorized,
        "the node takes no macaroon of this version",
    ),
    (
        Text::Is("cannot determine data format of binary-encoded macaroon"),
        Kind::Unauthorized,
        "the macaroon file is no macaroon",
    ),
    (
        Text::Ends("context deadline exceeded"),
        Kind::Timeout,
        "the node took too long",
    ),
];

/// How refusals begin, and what they hold, that an invoice request brings upon itself: no fault of
/// the node, which would refuse them for ever.
const REQUESTS: &[(&str, &str)] = &[
    ("invoice amount ", " is too large, max is "),
    ("payments of negative value ", ""),
    ("expiry of ", " greater than max expiry of "),
    ("description hash is ", " bytes, must be 32"),
    ("memo too large: ", ""),
];

/// Classifies a failed call.
pub(super) fn call_failure(status: Status) -> LnError {
    no_answer(&status)
        .or_else(|| by_text(&status))
        .unwrap_or_else(|| by_code(&status, &WORDS))
}

fn by_text(status: &Status) -> Option<LnError> {
    let text = status.message();
    if !matches!(
        status.code(),
        Code::Unknown | Code::Unavailable | Code::FailedPrecondition
    ) {
        return None;
    }
    if REQUESTS
        .iter()
        .any(|(start, part)| text.starts_with(start) && text.contains(part))
    {
        return Some(refused(text));
    }
    let (_, kind, words) = TEXTS.iter().find(|(part, ..)| part.is_of(text))?;
    Some(LnError::new(*kind, *words))
}

#[cfg(test)]
mod tests {
    use switchgear_core::ln::Blame;

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
            ("rpc server shutting down", Kind::NotReady),
            ("server exiting", Kind::NotReady),
            (
                "verification failed: caveat \"time-before 2020-01-01T00:00:00Z\" not satisfied: \
                 macaroon has expired",
                Kind::Unauthorized,
            ),
            ("permission denied", Kind::Unauthorized),
            ("macaroon store is locked", Kind::NotReady),
            (
                "cannot get macaroon: macaroon store is locked",
                Kind::NotReady,
            ),
            ("expected 1 macaroon, got 0", Kind::Unauthorized),
            (
                "verification failed: signature mismatch after caveat verification",
                Kind::Unauthorized,
            ),
            (
                "cannot get macaroon: root key with id 1 doesn't exist",
                Kind::Unauthorized,
            ),
            (
                "cannot retrieve macaroon: cannot get macaroon: root key with id 1 doesn't exist",
                Kind::Unauthorized,
            ),
            (
                "cannot retrieve macaroon: cannot get macaroon: macaroon store is locked",
                Kind::NotReady,
            ),
            (
                "caveat \"time-before 2020-01-01T00:00:00Z\" not satisfied: macaroon has expired",
                Kind::Unauthorized,
            ),
            (
                "caveat \"ipaddr 10.0.0.1\" not satisfied: macaroon locked to different IP address",
                Kind::Unauthorized,
            ),
            ("unknown macaroon version: 1", Kind::Unauthorized),
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
    fn says_what_a_code_means_in_its_own_words() {
        for (status, kind, words) in [
            (
                Status::unauthenticated("text"),
                Kind::Unauthorized,
                "the node refused the macaroon: text",
            ),
            (
                Status::unimplemented("text"),
                Kind::Internal,
                "the node does not know this call, is it LND? text",
            ),
        ] {
            let error = call_failure(status);
            assert_eq!((error.kind(), error.blame()), (kind, Blame::Node));
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn does_not_take_a_part_of_another_text_for_its_own() {
        for text in [
            "open /root/x: permission denied",
            "permission denied by the database",
            "block verification failed: bad header",
            "the wallet says: wallet locked",
            "peer: cannot get macaroon: root key",
            "peer: cannot retrieve macaroon: root key",
            "the caveat \"x\" is not satisfied",
            "an unknown macaroon version: 1",
            "the coupon is macaroon has expired",
            "the memo: memo too large: 1",
            "cannot hash: description hash is 3 bytes, must be 32",
            "description hash is known already",
            "invoice amount is unknown",
            "expiry of the certificate",
        ] {
            let error = call_failure(Status::unknown(text));
            assert_eq!(
                (error.kind(), error.blame()),
                (Kind::Refused, Blame::Node),
                "{text}"
            );
            let told = format!("the node refused the request: {text}");
            assert_eq!(error.to_string(), told);
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
            "description hash is 31 bytes, must be 32",
            "payments of negative value are not allowed, value is -1",
            "memo too large: 2000 bytes (maxsize=1024)",
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
}
