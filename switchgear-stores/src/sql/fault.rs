use std::error::Error;

use diesel::result::{DatabaseErrorKind, Error as SqlError};
use switchgear_core::store::{StoreError, StoreErrorKind};

/// Why a piece of work on a connection ended: it was refused, or the database failed.
///
/// Either rolls its transaction back.
#[derive(Debug)]
pub(crate) enum Fault {
    Refused(StoreError),
    Sql(SqlError),
}

impl Fault {
    /// A record that does not say what this version would have written.
    pub(crate) fn damaged(
        record: impl std::fmt::Display,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let message = format!("the database holds a record that cannot be read: {record}");
        StoreError::new(StoreErrorKind::Unavailable, message)
            .with_source(source)
            .into()
    }

    /// For an insertion whose key may be taken.
    pub(crate) fn or_exists(error: SqlError, exists: impl FnOnce() -> StoreError) -> Self {
        match error {
            SqlError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => exists().into(),
            error => error.into(),
        }
    }

    /// For a change that may break a reference between records.
    pub(crate) fn or_breaks_reference(self, refusal: impl FnOnce() -> StoreError) -> Self {
        match self {
            Self::Sql(SqlError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
                refusal().into()
            }
            fault => fault,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(refusal: StoreError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => refusal,
            Fault::Sql(error) => {
                let (kind, message) = meaning(&error.to_string());
                StoreError::new(kind, message).with_source(error)
            }
        }
    }
}

/// What a database's own words mean, where its error code does not reach us.
const MEANINGS: &[(&str, StoreErrorKind, &str)] = &[
    (
        "is locked",
        StoreErrorKind::Timeout,
        "the database stayed locked by another process",
    ),
    (
        "readonly database",
        StoreErrorKind::Unavailable,
        "the database cannot be written: check its mode, owner and file system",
    ),
    (
        "database or disk is full",
        StoreErrorKind::Unavailable,
        "the database's disk is full: make room",
    ),
    (
        "no such table",
        StoreErrorKind::Unavailable,
        "the database lacks tables: run the migrations",
    ),
];

fn meaning(words: &str) -> (StoreErrorKind, &'static str) {
    MEANINGS
        .iter()
        .find(|(part, ..)| words.contains(part))
        .map_or(
            (StoreErrorKind::Unavailable, "the database failed"),
            |(_, kind, message)| (*kind, message),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database_error(kind: DatabaseErrorKind, words: &str) -> SqlError {
        SqlError::DatabaseError(kind, Box::new(words.to_owned()))
    }

    #[test]
    fn reads_the_databases_words_and_keeps_them_out_of_the_message() {
        for (words, kind, part) in [
            ("database is locked", StoreErrorKind::Timeout, "locked"),
            (
                "attempt to write a readonly database",
                StoreErrorKind::Unavailable,
                "written",
            ),
            (
                "database or disk is full",
                StoreErrorKind::Unavailable,
                "make room",
            ),
            (
                "no such table: offers",
                StoreErrorKind::Unavailable,
                "migrations",
            ),
            ("disk I/O error", StoreErrorKind::Unavailable, "failed"),
        ] {
            let fault = Fault::from(database_error(DatabaseErrorKind::Unknown, words));
            let error = StoreError::from(fault);
            assert_eq!(error.kind(), kind, "{words}");
            assert!(error.to_string().contains(part), "{words}: {error}");
            assert_eq!(error.source().unwrap().to_string(), words);
        }
    }

    #[test]
    fn takes_only_the_violation_that_it_was_told_of() {
        let refusal = || StoreError::new(StoreErrorKind::Conflict, "taken");
        let unique = database_error(DatabaseErrorKind::UniqueViolation, "u");
        let check = database_error(DatabaseErrorKind::CheckViolation, "c");
        assert!(matches!(
            Fault::or_exists(unique, refusal),
            Fault::Refused(_)
        ));
        assert!(matches!(Fault::or_exists(check, refusal), Fault::Sql(_)));

        let reference = database_error(DatabaseErrorKind::ForeignKeyViolation, "f");
        let unique = database_error(DatabaseErrorKind::UniqueViolation, "u");
        let fault = Fault::from(reference).or_breaks_reference(refusal);
        assert!(matches!(fault, Fault::Refused(_)));
        let fault = Fault::from(unique).or_breaks_reference(refusal);
        assert!(matches!(fault, Fault::Sql(_)));
    }
}
