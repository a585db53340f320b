use std::{error::Error, io, iter};

use rustls::CertificateError;
use switchgear_core::ln::LnErrorKind;
use tonic::Status;

use super::link::ConnectionLost;

/// The most of a node's own words that a message repeats, in characters.
const LONGEST_QUOTE: usize = 200;

/// What a broken connection means, and why it broke, in words for an operator.
pub(crate) fn transport_failure(error: &(dyn Error + 'static)) -> (LnErrorKind, String) {
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
    let deepest = causes(error).last().unwrap_or(error);
    (LnErrorKind::Unreachable, quote(&deepest.to_string()))
}

/// Whether the connection was lost before the call left, so that it may be sent on another.
pub(crate) fn was_never_sent(status: &Status) -> bool {
    status.source().is_some_and(|source| {
        find::<ConnectionLost>(source).is_some()
            || find::<hyper::Error>(source).is_some_and(hyper::Error::is_canceled)
    })
}

/// A node's own words, fit for one line of a log.
pub(crate) fn quote(text: &str) -> String {
    text.chars()
        .take(LONGEST_QUOTE)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The error and what is behind it. An [`io::Error`] hides what it wraps from `source()`.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |cause| {
        let cause: &'a (dyn Error + 'static) = *cause;
        let wrapped = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => cause.source(),
        }
    })
}

fn tls_in_words(error: &rustls::Error) -> String {
    use CertificateError as Bad;

    let rustls::Error::InvalidCertificate(bad) = error else {
        return match error {
            rustls::Error::AlertReceived(alert) => {
                format!("the node refused the TLS handshake: {alert:?}")
            }
            other => format!("TLS failed: {other}"),
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
        other => return format!("the node's certificate was refused: {other}"),
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
}
