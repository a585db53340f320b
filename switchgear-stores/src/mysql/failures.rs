//! What MySQL and MariaDB say when they fail.
//!
//! A refused connection has a code. Of a failed statement diesel hands on the words alone, which
//! each connection asks to be English.

use std::io;

use mysql_async::{DriverError, Error, IoError};
use switchgear_core::store::StoreErrorKind;

use crate::sql::{Failure, Failures, Remedy};

/// The words of statements, and before them those of [`of_connecting`], which come back from the
/// pool as words. The first that fit decide.
pub(super) const FAILURES: Failures = Failures(&[
    (NO_ANSWER.message, NO_ANSWER),
    (NO_TLS.message, NO_TLS),
    (UNTRUSTED.message, UNTRUSTED),
    (TLS.message, TLS),
    (AUTHENTICATION.message, AUTHENTICATION),
    (Failure::UNREACHABLE.message, Failure::UNREACHABLE),
    (Failure::DENIED.message, Failure::DENIED),
    (Failure::NO_DATABASE.message, Failure::NO_DATABASE),
    (Failure::TOO_MANY.message, Failure::TOO_MANY),
    (Failure::SHUTDOWN.message, Failure::SHUTDOWN),
    ("Deadlock found", Failure::LOST),
    // A deadlock inside a savepoint takes the savepoint along, and this is what is seen of it.
    ("SAVEPOINT diesel_savepoint", Failure::LOST),
    ("Record has changed since last read", Failure::LOST),
    ("Lock wait timeout exceeded", Failure::LOCKED),
    ("BINLOG_FORMAT = STATEMENT", BINARY_LOG),
    ("max_allowed_packet", PACKET_TOO_LARGE),
    ("acket too large", PACKET_TOO_LARGE),
    ("read-only", Failure::READ_ONLY),
    ("read only", Failure::READ_ONLY),
    ("READ ONLY", Failure::READ_ONLY),
    ("is full", Failure::FULL),
    ("Disk full", Failure::FULL),
    ("No space left", Failure::FULL),
    ("corrupt", Failure::DAMAGED),
    ("crashed", Failure::DAMAGED),
    ("doesn't exist", Failure::NO_TABLE),
    ("command denied", Failure::DENIED),
    ("Access denied", Failure::DENIED),
    ("shutdown", Failure::SHUTDOWN),
    ("Connection to the server is closed", Failure::CLOSED),
    ("Connection was killed", Failure::CLOSED),
    ("because of inactivity", Failure::CLOSED),
    ("gone away", Failure::CLOSED),
    ("Lost connection", Failure::CLOSED),
    ("communication packets", Failure::CLOSED),
    ("acket out of order", Failure::CLOSED),
    ("Input/output error", Failure::CLOSED),
    ("Query execution was interrupted", Failure::TIMEOUT),
]);

/// Statements in the log would have to be repeated in order, which costs every reader locks.
const BINARY_LOG: Failure =
    unavailable("the database's binlog_format must be ROW or MIXED: change it there");

const PACKET_TOO_LARGE: Failure = unavailable(
    "a record is larger than the database takes: raise its max_allowed_packet to 16 MB",
);

/// Of connecting, with all that belongs to it.
pub(super) const NO_ANSWER: Failure = Failure {
    kind: StoreErrorKind::Timeout,
    message: "the database did not answer in 5 seconds: see whether it runs, and the host and port \
              of its URL",
    remedy: Remedy::None,
};

const NO_TLS: Failure = unavailable(
    "the database has no TLS: set it up there, or choose another ssl-mode in the database URL",
);

const UNTRUSTED: Failure = unavailable(
    "the database's certificate is not trusted: compare its issuer, names and dates with ssl-ca, \
     ssl-mode and host of the database URL",
);

const TLS: Failure =
    unavailable("no TLS connection to the database: compare both sides' TLS settings");

const AUTHENTICATION: Failure = unavailable(
    "the database wants a way of authentication that is not supported: give its user another one",
);

/// What a connection met that was not made.
pub(super) fn of_connecting(error: &Error) -> Failure {
    match error {
        Error::Server(error) => of_code(error.code),
        Error::Driver(error) => of_driver(error),
        Error::Io(IoError::Tls(_)) => TLS,
        Error::Io(IoError::Io(error)) => of_io(error),
        _ => Failure::UNKNOWN,
    }
}

/// The codes of <https://mariadb.com/kb/en/mariadb-error-code-reference/>, which both share.
fn of_code(code: u16) -> Failure {
    match code {
        1040 | 1203 | 1226 => Failure::TOO_MANY,
        1044 | 1045 | 1129 | 1130 | 1142 | 1227 | 1698 | 1820 | 1862 => Failure::DENIED,
        1049 => Failure::NO_DATABASE,
        1053 | 1927 => Failure::SHUTDOWN,
        1152 | 1158..=1161 => Failure::CLOSED,
        _ => Failure::UNKNOWN,
    }
}

fn of_driver(error: &DriverError) -> Failure {
    match error {
        DriverError::NoClientSslFlagFromServer => NO_TLS,
        DriverError::ConnectionClosed => Failure::UNREACHABLE,
        DriverError::UnknownAuthPlugin { .. }
        | DriverError::MysqlOldPasswordDisabled
        | DriverError::CleartextPluginDisabled => AUTHENTICATION,
        _ => Failure::UNKNOWN,
    }
}

fn of_io(error: &io::Error) -> Failure {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(_)) => UNTRUSTED,
        Some(_) => TLS,
        None => Failure::UNREACHABLE,
    }
}

/// The handshake's own error, which comes wrapped as one of reading.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

const fn unavailable(message: &'static str) -> Failure {
    Failure {
        kind: StoreErrorKind::Unavailable,
        message,
        remedy: Remedy::None,
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::ServerError;

    use super::*;

    #[test]
    fn knows_the_words_of_both_servers() {
        for (words, failure) in [
            (
                "Deadlock found when trying to get lock; try restarting transaction",
                Failure::LOST,
            ),
            ("SAVEPOINT diesel_savepoint_1 does not exist", Failure::LOST),
            (
                "Lock wait timeout exceeded; try restarting transaction",
                Failure::LOCKED,
            ),
            (
                "The MariaDB server is running with the --read-only option so it cannot execute this statement",
                Failure::READ_ONLY,
            ),
            (
                "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
                Failure::READ_ONLY,
            ),
            (
                "Cannot execute statement in a READ ONLY transaction",
                Failure::READ_ONLY,
            ),
            ("Running in read-only mode", Failure::READ_ONLY),
            ("The table 'offers' is full", Failure::FULL),
            (
                "Disk full (/tmp); waiting for someone to free some space...",
                Failure::FULL,
            ),
            ("Table 'x.offers' doesn't exist", Failure::NO_TABLE),
            (
                "INSERT command denied to user 'a'@'b' for table 'offers'",
                Failure::DENIED,
            ),
            ("Server shutdown in progress", Failure::SHUTDOWN),
            ("MySQL server has gone away", Failure::CLOSED),
            ("Connection was killed", Failure::CLOSED),
            (
                "Input/output error: Input/output error: Connection reset by peer (os error 104)",
                Failure::CLOSED,
            ),
            (
                "Input/output error: Input/output error: packet too large",
                PACKET_TOO_LARGE,
            ),
            (
                "Got a packet bigger than 'max_allowed_packet' bytes",
                PACKET_TOO_LARGE,
            ),
            (
                "Cannot execute statement: impossible to write to binary log since BINLOG_FORMAT = STATEMENT and at least one table uses a storage engine limited to row-based logging.",
                BINARY_LOG,
            ),
            ("Unknown column 'x' in 'field list'", Failure::UNKNOWN),
        ] {
            assert_eq!(FAILURES.of_words(words), failure, "{words}");
        }
    }

    #[test]
    fn tells_why_a_connection_was_not_made() {
        let server = |code| {
            of_connecting(&Error::Server(ServerError {
                code,
                message: String::new(),
                state: String::new(),
            }))
        };
        assert_eq!(server(1040), Failure::TOO_MANY);
        assert_eq!(server(1045), Failure::DENIED);
        assert_eq!(server(1049), Failure::NO_DATABASE);
        assert_eq!(server(1053), Failure::SHUTDOWN);
        assert_eq!(server(1), Failure::UNKNOWN);

        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(of_connecting(&refused.into()), Failure::UNREACHABLE);
        let plain = Error::Driver(DriverError::NoClientSslFlagFromServer);
        assert_eq!(of_connecting(&plain), NO_TLS);
        let tls = |error| of_connecting(&io::Error::other(error).into());
        let issuer = rustls::CertificateError::UnknownIssuer;
        assert_eq!(tls(rustls::Error::from(issuer)), UNTRUSTED);
        assert_eq!(tls(rustls::Error::HandshakeNotComplete), TLS);
    }
}
