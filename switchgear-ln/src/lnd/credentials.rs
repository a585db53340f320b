use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use switchgear_core::backend::LndAuth;
use tonic::metadata::{Ascii, MetadataValue};

use crate::{
    grpc::{CredentialError, CredentialSource, read_file},
    tls::PinnedOrRoot,
};

/// What makes a connection LND's, and a call ours.
pub(super) struct LndCredentials {
    /// Whose certificate is accepted.
    pub(super) trust: Arc<PinnedOrRoot>,
    /// The `macaroon` header: the file in hex, marked as sensitive.
    pub(super) macaroon: MetadataValue<Ascii>,
}

/// Leaves out the macaroon.
impl fmt::Debug for LndCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LndCredentials")
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

/// LND's `tls.cert` and a macaroon, as files.
#[derive(Debug)]
pub(super) struct LndFiles {
    tls_cert: PathBuf,
    macaroon: PathBuf,
}

impl LndFiles {
    /// The files that `auth` names; `None` for a kind of credentials that this client does not know.
    pub(super) fn new(auth: &LndAuth) -> Option<Self> {
        match auth {
            LndAuth::Path {
                tls_cert_path,
                macaroon_path,
            } => Some(Self {
                tls_cert: tls_cert_path.as_str().into(),
                macaroon: macaroon_path.as_str().into(),
            }),
            _ => None,
        }
    }
}

impl CredentialSource for LndFiles {
    type Credentials = LndCredentials;

    fn files(&self) -> Vec<&Path> {
        vec![&self.tls_cert, &self.macaroon]
    }

    fn load(&self, previous: Option<&LndCredentials>) -> Result<LndCredentials, CredentialError> {
        let trust = PinnedOrRoot::from_pem(&read_file(&self.tls_cert)?)
            .map_err(|error| CredentialError::content(&self.tls_cert, error))?;
        // The connection hangs on the trust: a new macaroon alone does not reconnect.
        let trust = match previous {
            Some(previous) if *previous.trust == trust => Arc::clone(&previous.trust),
            _ => Arc::new(trust),
        };
        let mut macaroon = MetadataValue::try_from(hex::encode(read_file(&self.macaroon)?))
            .map_err(|_| CredentialError::content(&self.macaroon, "is no header"))?;
        macaroon.set_sensitive(true);
        Ok(LndCredentials { trust, macaroon })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SECRET: &[u8] = b"a very secret macaroon";

    fn files(directory: &Path) -> LndFiles {
        let files = LndFiles {
            tls_cert: directory.join("tls.cert"),
            macaroon: directory.join("admin.macaroon"),
        };
        write_certificate(&files);
        fs::write(&files.macaroon, SECRET).unwrap();
        files
    }

    fn write_certificate(files: &LndFiles) {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&files.tls_cert, certified.cert.pem()).unwrap();
    }

    #[test]
    fn shares_the_trust_until_the_certificate_changes() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let first = files.load(None).unwrap();

        fs::write(&files.macaroon, b"another").unwrap();
        let second = files.load(Some(&first)).unwrap();
        assert!(Arc::ptr_eq(&first.trust, &second.trust));
        assert_ne!(first.macaroon, second.macaroon);

        write_certificate(&files);
        let third = files.load(Some(&second)).unwrap();
        assert!(!Arc::ptr_eq(&second.trust, &third.trust));
    }

    #[test]
    fn names_the_file_that_is_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        fs::write(&files.tls_cert, "nothing").unwrap();
        let error = files.load(None).unwrap_err();
        let expected = format!("{} holds no certificate", files.tls_cert.display());
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn keeps_the_macaroon_out_of_debug() {
        let directory = tempfile::tempdir().unwrap();
        let credentials = files(directory.path()).load(None).unwrap();
        let shown = format!("{credentials:?} {:?}", credentials.macaroon);
        assert!(!shown.contains(&hex::encode(SECRET)), "{shown}");
        assert_eq!(credentials.macaroon.to_str().unwrap(), hex::encode(SECRET));
    }
}
