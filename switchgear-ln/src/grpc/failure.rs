use std::{error::Error, io, iter, sync::Arc};

use h2::Reason;
use rustls::CertificateError;
use switchgear_core::ln::{LnError, LnErrorKind};
use tonic::Status;

use super::dial::ConnectFailure;

/// The most of a node's own words that a message repeats, in characters.
const LONGEST_QUOTE: usize = 200;

/// As many hexadecimal digits in a row may be a macaroon that the node repeats, or a part of a key.
const SECRET_RUN: usize = 32;

/// Classifies a failed attempt to connect.
pub(super) fn connect_failure(failure: Arc<ConnectFailure>) -> LnError {
    let (kind, message) = match &*failure {
        ConnectFailure::Tcp(error) => transport_failure(&**error),
        ConnectFailure::Tls(error) => transport_failure(error),
        ConnectFailure::Http2(error) => transport_failure(error),
        ConnectFailure::NotHttp2 => (LnErrorKind::Protocol, failure.to_string()),
        ConnectFailure::TimedOut(_) => (LnErrorKind::Timeout, failure.to_string()),
        ConnectFailure::Interrupted => (LnErrorKind::Unreachable, failure.to_string()),
    };
    LnError::new(kind, message).with_source(failure)
}

/// What a broken connection means, and why it broke, in words for an operator.
pub(super) fn transport_failure(error: &(dyn Error + 'static)) -> (LnErrorKind, String) {
    if let Some(tls) = find::<rustls::Error>(error) {
        return (LnErrorKind::Tls, tls_in_words(tls));
    }
    if let Some(io) = find::<io::Error>(error) {
        return (LnErrorKind::Unreachable, io_in_words(io));
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_timeout) {
        let message = "the connection is dead: the node answers no ping";
        return (LnErrorKind::Unreachable, message.to_owned());
    }
    if let Some(http2) = find::<h2::Error>(error)
        && let Some(reason) = http2.reason()
    {
        return http2_failure(http2, reason);
    }
    let deepest = causes(error).last().unwrap_or(error);
    (LnErrorKind::Unreachable, quote(&deepest.to_string()))
}

/// An end that this side's HTTP/2 gave the stream or connection means that the node broke the protocol.
fn http2_failure(error: &h2::Error, reason: Reason) -> (LnErrorKind, String) {
    let words = reason.description();
    if error.is_library() && reason != Reason::NO_ERROR {
        return (
            LnErrorKind::Protocol,
            format!("the node breaks HTTP/2: {words}"),
        );
    }
    (
        LnErrorKind::Unreachable,
        format!("the node broke off: {words}"),
    )
}

/// Whether the node has not taken the call, so that it may be sent on another connection.
///
/// That is so when the connection closed before the call went out, and when the node said so: by a
/// refused stream, or by going away (RFC 9113, 6.8 and 8.7). Whatever its reason to go, a stream that
/// it took meets its answer or the connection's end: only those that it never looked at, and those
/// that were not sent any more, fail with the node's GOAWAY.
pub(super) fn was_never_sent(status: &Status) -> bool {
    let Some(source) = status.source() else {
        return false;
    };
    find::<hyper::Error>(source).is_some_and(hyper::Error::is_canceled)
        || find::<h2::Error>(source).is_some_and(|error| {
            let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
            error.is_remote() && (error.is_go_away() || refused)
        })
}

/// A peer's own words, fit for one line of a log: bounded, and without what may be a secret.
pub(crate) fn quote(text: &str) -> String {
    without_long_hex(text)
        .chars()
        .take(LONGEST_QUOTE)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn without_long_hex(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        let run = rest.len() - after.len();
        let (part, after) = rest.split_at(run.max(first.len_utf8()));
        shown.push_str(if run < SECRET_RUN { part } else { "…" });
        rest = after;
    }
    shown
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The error and what is behind it. [`io::Error`] and [`h2::Error`] hide what they wrap from
/// `source()`.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |cause| {
        let cause: &'a (dyn Error + 'static) = *cause;
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && let Some(wrapped) = io.get_ref()
        {
            return Some(wrapped as &(dyn Error + 'static));
        }
        if let Some(http2) = cause.downcast_ref::<h2::Error>()
            && let Some(wrapped) = http2.get_io()
        {
            return Some(wrapped as &(dyn Error + 'static));
        }
        cause.source()
    })
}

fn tls_in_words(error: &rustls::Error) -> String {
    use CertificateError as Bad;

    let rustls::Error::InvalidCertificate(bad) = error else {
        return match error {
            rustls::Error::AlertReceived(alert) => {
                format!("the node refused the TLS handshake: {alert:?}")
            }
            other => format!("TLS failed: {}", quote(&other.to_string())),
        };
    };
    let words = match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => "the node's certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "the node's certificate is not valid yet"
        }
        Bad::UnknownIssuer => "the node's certificate is not the configured one, nor signed by it",
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "the node's certificate is for another name: configure its domain"
        }
        Bad::BadSignature => "the node does not own the certificate that it presents",
        other => {
            let other = quote(&other.to_string());
            return format!("the node's certificate was refused: {other}");
        }
    };
    words.to_owned()
}

fn io_in_words(error: &io::Error) -> String {
    use io::ErrorKind as Kind;

    let words = match error.kind() {
        Kind::ConnectionRefused => "connection refused",
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            "the connection was reset"
        }
        Kind::UnexpectedEof => "the node closed the connection",
        Kind::TimedOut => "the connection timed out",
        Kind::HostUnreachable => "the host is unreachable",
        Kind::NetworkUnreachable => "the network is unreachable",
        _ => return quote(&error.to_string()),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(error: rustls::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    #[test]
    fn finds_tls_errors_inside_io_errors() {
        for (error, words) in [
            (
                CertificateError::Expired,
                "the node's certificate has expired",
            ),
            (
                CertificateError::NotValidYet,
                "the node's certificate is not valid yet",
            ),
            (
                CertificateError::UnknownIssuer,
                "the node's certificate is not the configured one, nor signed by it",
            ),
            (
                CertificateError::NotValidForName,
                "the node's certificate is for another name: configure its domain",
            ),
            (
                CertificateError::BadSignature,
                "the node does not own the certificate that it presents",
            ),
        ] {
            let (kind, message) = transport_failure(&wrapped(error.into()));
            assert_eq!((kind, message.as_str()), (LnErrorKind::Tls, words));
        }
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let (kind, message) = transport_failure(&wrapped(alert));
        assert_eq!(kind, LnErrorKind::Tls);
        assert_eq!(
            message,
            "the node refused the TLS handshake: CertificateRequired"
        );
    }

    #[test]
    fn tells_broken_connections_in_words() {
        for (kind, words) in [
            (io::ErrorKind::ConnectionRefused, "connection refused"),
            (io::ErrorKind::BrokenPipe, "the connection was reset"),
            (
                io::ErrorKind::UnexpectedEof,
                "the node closed the connection",
            ),
            (io::ErrorKind::TimedOut, "the connection timed out"),
            (io::ErrorKind::HostUnreachable, "the host is unreachable"),
        ] {
            let (found, message) = transport_failure(&io::Error::from(kind));
            assert_eq!(found, LnErrorKind::Unreachable);
            assert_eq!(message, words);
        }
    }

    #[test]
    fn quotes_one_bounded_line() {
        assert_eq!(quote("a\r\nb\u{1b}[31m"), "a  b [31m");
        assert_eq!(quote(&"ä".repeat(1_000)).chars().count(), LONGEST_QUOTE);
    }

    #[test]
    fn hides_what_may_be_a_macaroon() {
        let macaroon = "ab".repeat(90);
        let shown = quote(&format!("cannot verify {macaroon}: wrong"));
        assert_eq!(shown, "cannot verify …: wrong");
        let cut = "x".repeat(LONGEST_QUOTE - 31) + " " + &macaroon;
        assert!(quote(&cut).ends_with("x …"), "{}", quote(&cut));
        for kept in ["", "deadbeef ä", &"f".repeat(SECRET_RUN - 1)] {
            assert_eq!(quote(kept), kept);
        }
        assert_eq!(quote(&"F".repeat(SECRET_RUN)), "…");
    }

    #[test]
    fn quotes_what_a_peer_may_have_written_into_tls() {
        let told =
            CertificateError::Other(rustls::OtherError(Arc::new(io::Error::other("one\ntwo"))));
        let (kind, message) = transport_failure(&wrapped(told.into()));
        assert_eq!(kind, LnErrorKind::Tls);
        assert!(!message.contains('\n'), "{message}");
        let general = rustls::Error::General("one\ntwo".to_owned());
        let (_, message) = transport_failure(&wrapped(general));
        assert_eq!(message, "TLS failed: unexpected error: one two");
    }

    #[test]
    fn looks_into_a_broken_http2_connection_for_what_broke_it() {
        let error = h2::Error::from(Reason::INTERNAL_ERROR);
        let (kind, message) = transport_failure(&error);
        assert_eq!(kind, LnErrorKind::Unreachable);
        assert!(message.starts_with("the node broke off: "), "{message}");
    }
}
