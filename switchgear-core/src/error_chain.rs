use std::{error::Error, fmt};

/// Displays an error with all its sources, as `what: why: why that`.
///
/// For logs and administrators; errors themselves say their own level only.
///
/// ```
/// use switchgear_core::{ErrorChain, store::{StoreError, StoreErrorKind}};
///
/// let error = StoreError::new(StoreErrorKind::Unavailable, "cannot read offers")
///     .with_source(std::io::Error::other("disk is gone"));
/// assert_eq!(ErrorChain(&error).to_string(), "cannot read offers: disk is gone");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            // Transparent wrappers repeat their source's message.
            let message = error.to_string();
            if message != last {
                write!(f, ": {message}")?;
            }
            last = message;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreError, StoreErrorKind};

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error(transparent)]
        Store(StoreError),
        #[error("cannot serve offers")]
        Offers(#[source] Box<Failure>),
    }

    #[test]
    fn says_each_level_once_from_the_outside_in() {
        let disk = std::io::Error::other("disk is gone");
        let store =
            StoreError::new(StoreErrorKind::Unavailable, "cannot read offers").with_source(disk);
        let error = Failure::Offers(Box::new(Failure::Store(store)));
        assert_eq!(
            ErrorChain(&error).to_string(),
            "cannot serve offers: cannot read offers: disk is gone"
        );
    }

    #[test]
    fn leaves_out_what_a_wrapper_only_repeats() {
        let inner = std::io::Error::other("disk is gone");
        let outer = StoreError::new(StoreErrorKind::Remote, "disk is gone").with_source(inner);
        assert_eq!(ErrorChain(&outer).to_string(), "disk is gone");
    }
}
