use crate::sql::{Failure, Failures};

/// PostgreSQL's words, and the driver's. The driver keeps the server's code from us but for a
/// failed connection, whose words begin with it; and a server that speaks another language than
/// English is understood by the driver's few kinds of errors only.
pub(super) const FAILURES: Failures = Failures(&[
    ("SQLSTATE 28", Failure::DENIED),
    ("SQLSTATE 42501", Failure::DENIED),
    ("SQLSTATE 3D000", Failure::NO_DATABASE),
    ("SQLSTATE 53300", Failure::TOO_MANY),
    ("SQLSTATE 57P", Failure::SHUTDOWN),
    ("the file of the database URL's", TLS_FILES),
    ("the files of the database URL's", TLS_FILES),
    ("server does not support TLS", NO_TLS),
    ("certificate not valid for name", OTHER_NAME),
    ("invalid peer certificate", UNTRUSTED),
    ("received fatal alert", TLS_REFUSED),
    ("error performing TLS handshake", TLS_FAILED),
    ("server did not use channel binding", NO_BINDING),
    ("authentication error", Failure::DENIED),
    ("database does not allow writes", OTHER_SESSION),
    ("database is not read only", OTHER_SESSION),
    ("prepared statement \"", POOLED),
    ("deadlock detected", Failure::LOST),
    ("could not serialize access", Failure::LOST),
    ("due to lock timeout", Failure::LOCKED),
    ("canceling statement", Failure::TIMEOUT),
    ("terminating connection", Failure::SHUTDOWN),
    ("the database system is", Failure::SHUTDOWN),
    ("connection closed", Failure::CLOSED),
    ("channel closed", Failure::CLOSED),
    ("error communicating with the server", Failure::CLOSED),
    ("No space left on device", Failure::FULL),
    ("read-only transaction", Failure::READ_ONLY),
    ("permission denied", Failure::DENIED),
    ("relation \"", Failure::NO_TABLE),
    ("invalid page in block", Failure::DAMAGED),
    ("could not read block", Failure::DAMAGED),
]);

/// A migration that may not create tables.
pub(super) const NO_RIGHT_TO_CREATE: Failure = Failure {
    message: "the database's tables are missing or old, and this user may not create any: run \
              `swgr store migrate` as a user who may",
    ..Failure::DENIED
};

const NO_TLS: Failure = Failure {
    message: "the database has no TLS, which the sslmode of its URL asks for: switch TLS on there",
    ..Failure::UNKNOWN
};

const OTHER_NAME: Failure = Failure {
    message: "the database's certificate bears another name than the host of its URL",
    ..Failure::UNKNOWN
};

const UNTRUSTED: Failure = Failure {
    message: "the database's certificate is not trusted: see its dates, and the sslrootcert of the \
              database URL",
    ..Failure::UNKNOWN
};

const TLS_REFUSED: Failure = Failure {
    message: "the database refuses TLS: see the sslcert and sslkey of the database URL",
    ..Failure::UNKNOWN
};

const TLS_FAILED: Failure = Failure {
    message: "TLS with the database failed",
    ..Failure::UNKNOWN
};

const TLS_FILES: Failure = Failure {
    message: "the files of the database URL's sslrootcert, sslcert or sslkey cannot be used",
    ..Failure::UNKNOWN
};

const NO_BINDING: Failure = Failure {
    message: "the log-in cannot be bound to TLS, which the channel_binding of the database URL asks \
              for: see its sslmode",
    ..Failure::UNKNOWN
};

const OTHER_SESSION: Failure = Failure {
    message: "no host of the database URL is of the kind that its target_session_attrs ask for",
    ..Failure::UNKNOWN
};

/// A statement that was prepared on another session than it is run on.
const POOLED: Failure = Failure {
    message: "the database lost a prepared statement: a pooler between must keep a session together \
              (PgBouncer's pool_mode=session)",
    ..Failure::UNKNOWN
};

#[cfg(test)]
mod tests {
    use switchgear_core::store::StoreErrorKind;

    use super::*;
    use crate::sql::Remedy;

    #[test]
    fn tell_an_operator_what_to_do() {
        for (words, part) in [
            ("SQLSTATE 28P01: password authentication failed", "password"),
            ("SQLSTATE 28000: no pg_hba.conf entry", "password"),
            ("SQLSTATE 3D000: database \"x\" does not exist", "create it"),
            ("SQLSTATE 53300: sorry", "max-connections"),
            (
                "the file of the database URL's sslkey cannot be read: invalid peer certificate",
                "sslkey cannot be used",
            ),
            (
                "authentication error: server did not use channel binding",
                "channel_binding",
            ),
            (
                "error performing TLS handshake: received fatal alert: CertificateRequired",
                "sslcert and sslkey",
            ),
            (
                "error performing TLS handshake: server does not support TLS",
                "no TLS",
            ),
            (
                "error performing TLS handshake: invalid peer certificate: certificate not valid for name \"x\"",
                "another name",
            ),
            (
                "error performing TLS handshake: invalid peer certificate: UnknownIssuer",
                "not trusted",
            ),
            (
                "could not extend file \"base/1/2\": No space left on device",
                "make room",
            ),
            (
                "cannot execute INSERT in a read-only transaction",
                "cannot be written",
            ),
            ("relation \"offers\" does not exist", "migrations"),
            ("permission denied for table offers", "rights"),
            (
                "prepared statement \"s1\" does not exist",
                "pool_mode=session",
            ),
            ("Etwas anderes", "failed"),
        ] {
            let failure = FAILURES.of_words(words);
            assert_eq!(failure.kind, StoreErrorKind::Unavailable, "{words}");
            assert!(
                failure.message.contains(part),
                "{words}: {}",
                failure.message
            );
        }
    }

    #[test]
    fn tell_what_may_help_at_once() {
        for (words, kind, remedy) in [
            ("deadlock detected", StoreErrorKind::Timeout, Remedy::Repeat),
            (
                "canceling statement due to lock timeout",
                StoreErrorKind::Timeout,
                Remedy::None,
            ),
            (
                "canceling statement due to statement timeout",
                StoreErrorKind::Timeout,
                Remedy::None,
            ),
            (
                "terminating connection due to administrator command",
                StoreErrorKind::Unavailable,
                Remedy::Reconnect,
            ),
            (
                "connection closed",
                StoreErrorKind::Unavailable,
                Remedy::Reconnect,
            ),
        ] {
            let failure = FAILURES.of_words(words);
            assert_eq!((failure.kind, failure.remedy), (kind, remedy), "{words}");
        }
    }
}
