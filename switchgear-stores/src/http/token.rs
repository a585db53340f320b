use std::{fs, path::Path};

use http::HeaderValue;
use switchgear_core::store::{StoreError, StoreErrorKind};

/// Reads a token file into the value of the `Authorization` header (RFC 6750), marked as a secret.
pub(super) fn bearer(path: &Path) -> Result<HeaderValue, StoreError> {
    let text = fs::read_to_string(path)
        .map_err(|error| unusable(path, "cannot be read").with_source(error))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(unusable(path, "is empty: mint a token into it"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| unusable(path, "holds more than one line or no token at all"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn unusable(path: &Path, why: &str) -> StoreError {
    let message = format!("the token file {} {why}", path.display());
    StoreError::new(StoreErrorKind::Remote, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<HeaderValue, StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, content).unwrap();
        bearer(&path)
    }

    #[test]
    fn ignores_white_space_around_the_token_and_hides_it() {
        let value = read(b"\n  e30.e30.c2ln \r\n\n").unwrap();
        assert_eq!(value, "Bearer e30.e30.c2ln");
        assert!(!format!("{value:?}").contains("c2ln"));
    }

    #[test]
    fn says_what_is_wrong_with_a_token_file_without_repeating_it() {
        for (content, part) in [
            (&b" \n"[..], "is empty"),
            (b"one-secret\ntwo", "more than one line"),
            (b"\xff\xfe", "cannot be read"),
        ] {
            let error = read(content).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let missing = bearer(Path::new("/nonexistent/token")).unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/token"));
    }
}
