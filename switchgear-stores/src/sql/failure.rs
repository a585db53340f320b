use diesel::result::{DatabaseErrorKind, Error as SqlError};
use switchgear_core::store::StoreErrorKind;

/// What a failure of a database means to the caller, to its operator, and to the work that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    /// Says what to do, and names neither SQL nor an address nor a user.
    pub(crate) message: &'static str,
    pub(crate) remedy: Remedy,
}

/// What may help at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Nothing that the store could do.
    None,
    /// The transaction lost to another one and was rolled back: run it again.
    Repeat,
    /// The connection is gone or of no more use: take a new one.
    Reconnect,
}

impl Failure {
    pub(crate) const UNKNOWN: Self = unavailable("the database failed");
    /// A deadlock, a serialisation failure.
    pub(crate) const LOST: Self = Self {
        kind: StoreErrorKind::Timeout,
        message: "the database is too busy: other writes came first every time, try again",
        remedy: Remedy::Repeat,
    };
    pub(crate) const CLOSED: Self = Self {
        kind: StoreErrorKind::Unavailable,
        message: "the connection to the database was lost: see whether the database runs",
        remedy: Remedy::Reconnect,
    };
    /// A database that starts, stops or recovers.
    pub(crate) const SHUTDOWN: Self = Self {
        kind: StoreErrorKind::Unavailable,
        message: "the database is starting or shutting down: wait, or see whether it runs",
        remedy: Remedy::Reconnect,
    };
    pub(crate) const UNREACHABLE: Self = unavailable(
        "the database cannot be reached: see whether it runs, and the host and port of its URL",
    );
    pub(crate) const DENIED: Self = unavailable(
        "the database refuses this user: correct the user and password of its URL, or their rights",
    );
    pub(crate) const NO_DATABASE: Self =
        unavailable("the database server has no database of this name: create it");
    pub(crate) const TOO_MANY: Self = unavailable(
        "the database has too many connections: raise its limit, or lower max-connections",
    );
    pub(crate) const LOCKED: Self = Self {
        kind: StoreErrorKind::Timeout,
        message: "the database stayed locked by another process",
        remedy: Remedy::None,
    };
    /// A session that began while the database could not be written may stay like that.
    pub(crate) const READ_ONLY: Self = Self {
        kind: StoreErrorKind::Unavailable,
        message: "the database cannot be written: check its mode, owner and file system, and that it is no replica",
        remedy: Remedy::Reconnect,
    };
    pub(crate) const FULL: Self = unavailable("the database's disk is full: make room");
    pub(crate) const NO_TABLE: Self =
        unavailable("the database lacks tables: run the migrations with `swgr store migrate`");
    pub(crate) const DAMAGED: Self =
        unavailable("the database is damaged: restore it from a backup");
    /// The time that the database itself allows.
    pub(crate) const TIMEOUT: Self = Self {
        kind: StoreErrorKind::Timeout,
        message: "the database did not answer in time",
        remedy: Remedy::None,
    };
}

const fn unavailable(message: &'static str) -> Failure {
    Failure {
        kind: StoreErrorKind::Unavailable,
        message,
        remedy: Remedy::None,
    }
}

/// What one database's own words mean, where its error code does not reach us. The first part that
/// the words contain decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failures(pub(crate) &'static [(&'static str, Failure)]);

impl Failures {
    /// The words decide, and the driver's classification where they say nothing.
    pub(crate) fn of(self, error: &SqlError) -> Failure {
        let by_words = self.of_words(&error.to_string());
        if by_words != Failure::UNKNOWN {
            return by_words;
        }
        match error {
            SqlError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Failure::LOST,
            SqlError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => {
                Failure::READ_ONLY
            }
            SqlError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
            | SqlError::BrokenTransactionManager => Failure::CLOSED,
            _ => Failure::UNKNOWN,
        }
    }

    /// For errors that are words only: those of connecting.
    pub(crate) fn of_words(self, words: &str) -> Failure {
        self.0
            .iter()
            .find(|(part, _)| words.contains(part))
            .map_or(Failure::UNKNOWN, |(_, failure)| *failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURES: Failures = Failures(&[("no room", Failure::FULL), ("room", Failure::LOCKED)]);

    fn meaning(kind: DatabaseErrorKind, words: &str) -> Failure {
        FAILURES.of(&SqlError::DatabaseError(kind, Box::new(words.to_owned())))
    }

    #[test]
    fn are_told_by_the_first_words_that_fit_and_then_by_the_driver() {
        let unknown = DatabaseErrorKind::Unknown;
        assert_eq!(meaning(unknown, "no room left"), Failure::FULL);
        assert_eq!(meaning(unknown, "the room is shut"), Failure::LOCKED);
        assert_eq!(meaning(unknown, "?"), Failure::UNKNOWN);
        let lost = DatabaseErrorKind::SerializationFailure;
        assert_eq!(meaning(lost, "?"), Failure::LOST);
        assert_eq!(meaning(lost, "no room left"), Failure::FULL);
        let closed = DatabaseErrorKind::ClosedConnection;
        assert_eq!(meaning(closed, "?").remedy, Remedy::Reconnect);
        let read_only = DatabaseErrorKind::ReadOnlyTransaction;
        assert_eq!(meaning(read_only, "?").remedy, Remedy::Reconnect);
    }
}
