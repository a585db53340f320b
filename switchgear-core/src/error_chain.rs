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
