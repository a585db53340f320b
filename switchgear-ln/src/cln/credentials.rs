use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use switchgear_core::backend::ClnAuth;

use crate::{
    grpc::{CredentialError, CredentialSource, Trusted},
    tls::{MutualTlsFiles, Trust, TrustSets},
};

/// Both sides' certificates are all that there is: who may connect may make invoices.
pub(super) struct ClnCredentials(Arc<Trust>);

impl Trusted for ClnCredentials {
    fn trust(&self) -> &Arc<Trust> {
        &self.0
    }
}

/// The same files make the same trust.
impl PartialEq for ClnCredentials {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for ClnCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClnCredentials").finish_non_exhaustive()
    }
}

/// The plugin's `ca.pem`, `client.pem` and `client-key.pem`, or others that it accepts.
#[derive(Debug)]
pub(super) struct ClnFiles {
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    trust_sets: Arc<TrustSets>,
}

impl ClnFiles {
    /// The files that `auth` names; `None` for a kind of credentials that this client does not know.
    pub(super) fn new(auth: &ClnAuth, trust_sets: Arc<TrustSets>) -> Option<Self> {
        match auth {
            ClnAuth::Path {
                ca_cert_path,
                client_cert_path,
                client_key_path,
            } => Some(Self {
                authority: ca_cert_path.as_str().into(),
                certificate: client_cert_path.as_str().into(),
                key: client_key_path.as_str().into(),
                trust_sets,
            }),
            _ => None,
        }
    }
}

impl CredentialSource for ClnFiles {
    type Credentials = ClnCredentials;

    fn files(&self) -> Vec<&Path> {
        vec![&self.authority, &self.certificate, &self.key]
    }

    fn load(&self) -> Result<ClnCredentials, CredentialError> {
        let files = MutualTlsFiles {
            authority: &self.authority,
            certificate: &self.certificate,
            key: &self.key,
        };
        self.trust_sets.mutual(files).map(ClnCredentials)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn files(directory: &Path) -> ClnFiles {
        let files = ClnFiles {
            authority: directory.join("ca.pem"),
            certificate: directory.join("client.pem"),
            key: directory.join("client-key.pem"),
            trust_sets: Arc::default(),
        };
        let ca = rcgen::generate_simple_self_signed(vec!["cln".to_owned()]).unwrap();
        fs::write(&files.authority, ca.cert.pem()).unwrap();
        write_identity(&files);
        files
    }

    fn write_identity(files: &ClnFiles) {
        let client = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        fs::write(&files.certificate, client.cert.pem()).unwrap();
        fs::write(&files.key, client.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn keeps_the_connection_until_a_file_changes() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let first = files.load().unwrap();
        assert_eq!(files.load().unwrap(), first);
        write_identity(&files);
        assert_ne!(files.load().unwrap(), first);
    }

    #[test]
    fn names_the_file_that_is_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        for path in files.files() {
            let good = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            let error = files.load().unwrap_err();
            let expected = format!("cannot read {}: there is no such file", path.display());
            assert_eq!(error.to_string(), expected);
            fs::write(path, good).unwrap();
        }
        files.load().unwrap();
    }

    #[test]
    fn shows_nothing_of_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let key = fs::read_to_string(&files.key).unwrap();
        let line = key.lines().nth(1).unwrap();
        let shown = format!("{files:?} {:?}", files.load().unwrap());
        assert!(!shown.contains(line), "{shown}");
    }
}
