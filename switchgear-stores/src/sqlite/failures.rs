use crate::sql::{Failure, Failures};

/// SQLite's own words; its error codes do not reach us.
pub(super) const FAILURES: Failures = Failures(&[
    (MOVED.message, MOVED),
    ("is locked", Failure::LOCKED),
    ("readonly database", Failure::READ_ONLY),
    ("database or disk is full", Failure::FULL),
    ("no such table", Failure::NO_TABLE),
    ("no such column", Failure::NO_TABLE),
    ("disk image is malformed", Failure::DAMAGED),
    ("file is not a database", Failure::DAMAGED),
    ("unable to open database file", CANNOT_OPEN),
    ("disk I/O error", DISK_ERROR),
]);

pub(super) const MOVED: Failure = Failure {
    message: "the database file was moved or replaced: restart, or put it back",
    ..Failure::UNKNOWN
};

const CANNOT_OPEN: Failure = Failure {
    message: "the database file cannot be opened: see whether it and its folder are there, and its mode and owner",
    ..Failure::UNKNOWN
};

const DISK_ERROR: Failure = Failure {
    message: "the disk of the database fails, or is full: see the system's log",
    ..Failure::UNKNOWN
};

#[cfg(test)]
mod tests {
    use switchgear_core::store::StoreErrorKind;

    use super::*;

    #[test]
    fn tell_an_operator_what_to_do() {
        let unavailable = StoreErrorKind::Unavailable;
        for (words, kind, part) in [
            ("database is locked", StoreErrorKind::Timeout, "locked"),
            (
                "attempt to write a readonly database",
                unavailable,
                "cannot be written",
            ),
            ("database or disk is full", unavailable, "make room"),
            ("no such table: offers", unavailable, "migrations"),
            ("disk I/O error", unavailable, "disk"),
            ("unable to open database file", unavailable, "opened"),
            (
                "database disk image is malformed",
                unavailable,
                "restore it",
            ),
            ("something else", unavailable, "failed"),
        ] {
            let failure = FAILURES.of_words(words);
            assert_eq!(failure.kind, kind, "{words}");
            assert!(
                failure.message.contains(part),
                "{words}: {}",
                failure.message
            );
        }
    }
}
