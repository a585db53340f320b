use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use switchgear_core::backend::LndAuth;
use tonic::Request;

use super::macaroon::Macaroon;
use crate::{
    grpc::{CredentialError, CredentialSource, Trusted},
    tls::{Trust, TrustSets},
};

/// What makes a connection LND's, and a call ours.
pub(super) struct LndCredentials {
    trust: Arc<Trust>,
    macaroon: Macaroon,
}

impl LndCredentials {
    /// The call of `message`, with the macaroon on it.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("macaroon", self.macaroon.header());
        request
    }
}

impl PartialEq for LndCredentials {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.trust, &other.trust) && self.macaroon == other.macaroon
    }
}

impl Trusted for LndCredentials {
    fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }
}

impl fmt::Debug for LndCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LndCredentials").finish_non_exhaustive()
    }
}

/// LND's `tls.cert` and a macaroon, as files.
#[derive(Debug)]
pub(super) struct LndFiles {
    tls_cert: PathBuf,
    macaroon: PathBuf,
    trust_sets: Arc<TrustSets>,
}

impl LndFiles {
    /// The files that `auth` names; `None` for a kind of credentials that this client does not know.
    pub(super) fn new(auth: &LndAuth, trust_sets: Arc<TrustSets>) -> Option<Self> {
        match auth {
            LndAuth::Path {
                tls_cert_path,
                macaroon_path,
            } => Some(Self {
                tls_cert: tls_cert_path.as_str().into(),
                macaroon: macaroon_path.as_str().into(),
                trust_sets,
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

    fn load(&self) -> Result<LndCredentials, CredentialError> {
        Ok(LndCredentials {
            trust: self.trust_sets.pinned_or_signed(&self.tls_cert)?,
            macaroon: Macaroon::read(&self.macaroon)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::lnd::macaroon::example;

    fn files(directory: &Path) -> LndFiles {
        let files = LndFiles {
            tls_cert: directory.join("tls.cert"),
            macaroon: directory.join("admin.macaroon"),
            trust_sets: Arc::default(),
        };
        write_certificate(&files);
        fs::write(&files.macaroon, example(b"a secret")).unwrap();
        files
    }

    fn write_certificate(files: &LndFiles) {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&files.tls_cert, certified.cert.pem()).unwrap();
    }

    #[test]
    fn keeps_the_connection_until_the_certificate_changes() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let first = files.load().unwrap();
        assert_eq!(files.load().unwrap(), first);

        fs::write(&files.macaroon, example(b"another")).unwrap();
        let second = files.load().unwrap();
        assert!(Arc::ptr_eq(first.trust(), second.trust()));
        assert_ne!(first, second);

        write_certificate(&files);
        let third = files.load().unwrap();
        assert!(!Arc::ptr_eq(second.trust(), third.trust()));
        assert_ne!(second, third);
    }

    #[test]
    fn keeps_the_macaroon_out_of_debug() {
        let directory = tempfile::tempdir().unwrap();
        let credentials = files(directory.path()).load().unwrap();
        let request = credentials.request(());
        let header = request.metadata().get("macaroon").unwrap();
        let secret = hex::encode(example(b"a secret"));
        assert_eq!(header.to_str().unwrap(), secret);
        let shown = format!("{credentials:?} {request:?}");
        assert!(!shown.contains(&secret), "{shown}");
    }
}
