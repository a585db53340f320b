//! LUD-01 and LUD-06: how an LNURL service says no.

use serde::Serialize;

/// `{"status":"ERROR","reason":"…"}`: a reason that a payer can read, and that names nothing inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LnurlError {
    status: &'static str,
    /// What a payer reads.
    pub reason: String,
}

impl LnurlError {
    /// An error with its reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            status: "ERROR",
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_json_that_the_document_asks_for() {
        let error = LnurlError::new("no such offer");
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"status":"ERROR","reason":"no such offer"}"#
        );
    }
}
