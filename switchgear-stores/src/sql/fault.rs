use std::error::Error;

use diesel::result::{DatabaseErrorKind, Error as SqlError};
use switchgear_core::store::{StoreError, StoreErrorKind};

use super::{Failures, Remedy};

/// Why a piece of work on a connection ended: it was refused, or the database failed.
///
/// Either rolls its transaction back.
#[derive(Debug)]
pub(crate) enum Fault {
    Refused(StoreError),
    Sql(SqlError),
}

impl Fault {
    /// What the caller is told; the database's own words go into the source.
    pub(crate) fn explained(self, failures: Failures) -> StoreError {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Sql(error) => {
                let failure = failures.of(&error);
                StoreError::new(failure.kind, failure.message).with_source(error)
            }
        }
    }

    /// What may help at once against it.
    pub(crate) fn remedy(&self, failures: Failures) -> Remedy {
        match self {
            Self::Refused(_) => Remedy::None,
            Self::Sql(error) => failures.of(error).remedy,
        }
    }

    /// Whether an insertion failed because its key is taken.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Sql(SqlError::DatabaseError(
                DatabaseErrorKind::UniqueViolation,
                _
            ))
        )
    }

    /// How often a write tries again in its transaction to come before others.
    pub(crate) const MOST_OVERTAKEN: usize = 4;

    /// Others came first every time; the transaction is worth repeating.
    pub(crate) fn overtaken() -> Self {
        let words = "the record came and went with every try".to_owned();
        let kind = DatabaseErrorKind::SerializationFailure;
        Self::Sql(SqlError::DatabaseError(kind, Box::new(words)))
    }

    /// For an insertion whose key may be taken.
    pub(crate) fn or_exists(self, exists: impl FnOnce() -> StoreError) -> Self {
        if self.is_taken() {
            exists().into()
        } else {
            self
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

/// A record that does not say what this version would have written.
pub(crate) fn damaged(
    record: impl std::fmt::Display,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> StoreError {
    // Written by hand, a key may hold anything.
    let record = record.to_string();
    let record = record.escape_debug();
    let message = format!(
        "the database holds a record that cannot be read: {record}: put it anew, or delete it"
    );
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(source)
}

/// For the one row that each change of the backends begins with.
pub(crate) fn no_version() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the database has lost the version of its backends, the one row of discovery_version: \
         restore it from a backup",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::Failure, *};

    fn database_error(kind: DatabaseErrorKind, words: &str) -> SqlError {
        SqlError::DatabaseError(kind, Box::new(words.to_owned()))
    }

    #[test]
    fn keeps_the_databases_words_out_of_the_message() {
        let failures = Failures(&[("disk", Failure::FULL)]);
        let words = "no room on disk for user alice";
        let fault = Fault::from(database_error(DatabaseErrorKind::Unknown, words));
        assert_eq!(fault.remedy(failures), Remedy::None);
        let error = fault.explained(failures);
        assert_eq!(error.kind(), Failure::FULL.kind);
        assert_eq!(error.to_string(), Failure::FULL.message);
        assert_eq!(error.source().unwrap().to_string(), words);
    }

    #[test]
    fn repeats_what_was_overtaken() {
        assert_eq!(Fault::overtaken().remedy(Failures(&[])), Remedy::Repeat);
    }

    #[test]
    fn takes_only_the_violation_that_it_was_told_of() {
        let refusal = || StoreError::new(StoreErrorKind::Conflict, "taken");
        let unique = database_error(DatabaseErrorKind::UniqueViolation, "u");
        let check = database_error(DatabaseErrorKind::CheckViolation, "c");
        assert!(matches!(
            Fault::from(unique).or_exists(refusal),
            Fault::Refused(_)
        ));
        assert!(matches!(
            Fault::from(check).or_exists(refusal),
            Fault::Sql(_)
        ));

        let reference = database_error(DatabaseErrorKind::ForeignKeyViolation, "f");
        let unique = database_error(DatabaseErrorKind::UniqueViolation, "u");
        let fault = Fault::from(reference).or_breaks_reference(refusal);
        assert!(matches!(fault, Fault::Refused(_)));
        let fault = Fault::from(unique).or_breaks_reference(refusal);
        assert!(matches!(fault, Fault::Sql(_)));
    }
}
