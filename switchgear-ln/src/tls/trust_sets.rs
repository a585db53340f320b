use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Arc, OnceLock, Weak},
};

use parking_lot::Mutex;
use rustls::{
    client::WebPkiServerVerifier, crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
};

use super::{
    Trust,
    identity::{certificates, client_identity},
    verifier::{NodeVerifier, authorities},
};
use crate::grpc::{CredentialError, read_file};

/// Builds what connections trust, once for each set of file contents that is in use. It keeps no
/// content of a file itself.
///
/// Files are read at each call, which blocks: it is for where that is allowed.
#[derive(Default)]
pub(crate) struct TrustSets {
    system_roots: Option<SystemRoots>,
    known: Mutex<HashMap<Fingerprint, Weak<Trust>>>,
}

/// The files of mutual TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MutualTlsFiles<'a> {
    /// The authority that signed the node's certificate.
    pub(crate) authority: &'a Path,
    /// This client's certificate, or its chain, leaf first.
    pub(crate) certificate: &'a Path,
    /// This client's private key.
    pub(crate) key: &'a Path,
}

impl TrustSets {
    /// With `system_roots`, every set accepts what the operating system's roots signed as well; the
    /// chain must be whole and the name right.
    pub(crate) fn new(system_roots: bool) -> Self {
        Self {
            system_roots: system_roots.then(SystemRoots::default),
            known: Mutex::default(),
        }
    }

    /// Trusts the certificates of a file themselves, and what they signed.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no certificate.
    pub(crate) fn pinned_or_signed(&self, path: &Path) -> Result<Arc<Trust>, CredentialError> {
        let pem = read_file(path)?;
        self.shared(Fingerprint::of(&[&pem]), || {
            let verifier = certificates(&pem)
                .and_then(|found| NodeVerifier::pinned_or_signed(found, self.system()))
                .map_err(|error| CredentialError::content(path, error))?;
            Ok(Trust::new(verifier, None))
        })
    }

    /// Trusts what the authority signed, and shows the client certificate.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, or the key is not the
    /// certificate's.
    pub(crate) fn mutual(&self, files: MutualTlsFiles<'_>) -> Result<Arc<Trust>, CredentialError> {
        let pems = [
            read_file(files.authority)?,
            read_file(files.certificate)?,
            read_file(files.key)?,
        ];
        let [authority, certificate, key] = &pems;
        self.shared(Fingerprint::of(&[authority, certificate, key]), || {
            let verifier = certificates(authority)
                .and_then(|found| NodeVerifier::signed(found, self.system()))
                .map_err(|error| CredentialError::content(files.authority, error))?;
            let chain = certificates(certificate)
                .map_err(|error| CredentialError::content(files.certificate, error))?;
            let identity = client_identity(chain, key)
                .map_err(|error| CredentialError::content(files.key, error))?;
            Ok(Trust::new(verifier, Some(identity)))
        })
    }

    /// The set of `files` that is in use, or else a new one; none is built twice at once.
    fn shared(
        &self,
        files: Fingerprint,
        build: impl FnOnce() -> Result<Trust, CredentialError>,
    ) -> Result<Arc<Trust>, CredentialError> {
        // Read from disk at first, so before the lock.
        self.system();
        let mut known = self.known.lock();
        known.retain(|_, trust| trust.strong_count() > 0);
        if let Some(trust) = known.get(&files).and_then(Weak::upgrade) {
            return Ok(trust);
        }
        let trust = Arc::new(build()?);
        known.insert(files, Arc::downgrade(&trust));
        Ok(trust)
    }

    fn system(&self) -> Option<Arc<WebPkiServerVerifier>> {
        self.system_roots.as_ref().and_then(SystemRoots::verifier)
    }
}

/// Leaves out what is in the files: a private key may be among it.
impl fmt::Debug for TrustSets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustSets")
            .field("system_roots", &self.system_roots.is_some())
            .finish_non_exhaustive()
    }
}

/// The SHA-256 of each file that a set was built from. Their number tells the kinds of sets apart.
#[derive(PartialEq, Eq, Hash)]
struct Fingerprint(Vec<Vec<u8>>);

impl Fingerprint {
    fn of(files: &[&[u8]]) -> Self {
        Self(files.iter().map(|file| sha256(file)).collect())
    }
}

fn sha256(content: &[u8]) -> Vec<u8> {
    let suite = TLS13_AES_128_GCM_SHA256.tls13();
    let suite = suite.expect("the suite is one of TLS 1.3");
    suite.common.hash_provider.hash(content).as_ref().to_vec()
}

/// The operating system's roots, read when first needed.
#[derive(Default)]
struct SystemRoots(OnceLock<Option<Arc<WebPkiServerVerifier>>>);

impl SystemRoots {
    fn verifier(&self) -> Option<Arc<WebPkiServerVerifier>> {
        let read = || {
            let loaded = rustls_native_certs::load_native_certs();
            for error in &loaded.errors {
                tracing::warn!(%error, "cannot read all of the system's roots");
            }
            let roots = authorities(loaded.certs);
            if roots.is_none() {
                tracing::warn!("system roots are wanted, and the system has none");
            }
            roots
        };
        self.0.get_or_init(read).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    struct Files {
        _directory: tempfile::TempDir,
        authority: PathBuf,
        certificate: PathBuf,
        key: PathBuf,
    }

    impl Files {
        fn write() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let at = |name: &str| directory.path().join(name);
            let files = Self {
                authority: at("ca.pem"),
                certificate: at("client.pem"),
                key: at("client-key.pem"),
                _directory: directory,
            };
            fs::write(&files.authority, self_signed("authority").cert.pem()).unwrap();
            files.write_identity();
            files
        }

        fn write_identity(&self) {
            let client = self_signed("client");
            fs::write(&self.certificate, client.cert.pem()).unwrap();
            fs::write(&self.key, client.signing_key.serialize_pem()).unwrap();
        }

        fn paths(&self) -> MutualTlsFiles<'_> {
            MutualTlsFiles {
                authority: &self.authority,
                certificate: &self.certificate,
                key: &self.key,
            }
        }
    }

    fn self_signed(name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap()
    }

    #[test]
    fn files_alike_make_one_set_while_it_is_in_use() {
        let files = Files::write();
        let copy = files.authority.with_extension("copy");
        fs::copy(&files.authority, &copy).unwrap();
        let sets = TrustSets::default();

        let first = sets.pinned_or_signed(&files.authority).unwrap();
        let second = sets.pinned_or_signed(&copy).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let mutual = sets.mutual(files.paths()).unwrap();
        assert!(Arc::ptr_eq(&mutual, &sets.mutual(files.paths()).unwrap()));
        assert!(!Arc::ptr_eq(&mutual, &first));
        assert_eq!(sets.known.lock().len(), 2);

        files.write_identity();
        let rotated = sets.mutual(files.paths()).unwrap();
        assert!(!Arc::ptr_eq(&mutual, &rotated));
    }

    #[test]
    fn forgets_sets_that_nobody_uses() {
        let files = Files::write();
        let sets = TrustSets::default();
        for _ in 0..3 {
            files.write_identity();
            sets.mutual(files.paths()).unwrap();
        }
        assert_eq!(sets.known.lock().len(), 1);
    }

    #[test]
    fn knows_files_by_their_sha256() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hex: String = sha256(b"abc").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, known);
    }

    #[test]
    fn names_the_file_that_is_wrong() {
        let files = Files::write();
        let sets = TrustSets::default();
        let text = || sets.mutual(files.paths()).unwrap_err().to_string();

        fs::write(&files.key, self_signed("other").signing_key.serialize_pem()).unwrap();
        let reason = "is not the key of the client certificate beside it";
        assert_eq!(text(), format!("{} {reason}", files.key.display()));

        fs::write(&files.certificate, "nothing").unwrap();
        let reason = "holds no certificate";
        assert_eq!(text(), format!("{} {reason}", files.certificate.display()));

        fs::write(&files.authority, "nothing").unwrap();
        assert_eq!(text(), format!("{} {reason}", files.authority.display()));
    }

    #[test]
    fn shows_nothing_of_the_files_in_debug() {
        let files = Files::write();
        let sets = TrustSets::default();
        let trust = sets.mutual(files.paths()).unwrap();
        let shown = format!("{sets:?} {trust:?}");
        assert_eq!(shown, "TrustSets { system_roots: false, .. } Trust { .. }");
    }
}
