use std::{
    fs,
    path::{Path, PathBuf},
};

use mysql_async::{ClientIdentity, SslOpts};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use switchgear_core::store::{StoreError, StoreErrorKind};

use super::{rsa_key, url::invalid};

/// How a connection is secured. Files are read for each connection, so that new ones are taken up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: SslMode,
    /// Instead of the system's.
    pub(super) authorities: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// The modes of MySQL's own client:
/// <https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SslMode {
    Disabled,
    #[default]
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

impl SslMode {
    pub(super) fn try_from_name(name: &str) -> Result<Self, StoreError> {
        match name.to_ascii_uppercase().as_str() {
            "DISABLED" => Ok(Self::Disabled),
            "PREFERRED" => Ok(Self::Preferred),
            "REQUIRED" => Ok(Self::Required),
            "VERIFY_CA" => Ok(Self::VerifyCa),
            "VERIFY_IDENTITY" => Ok(Self::VerifyIdentity),
            _ => Err(invalid(
                "ssl-mode in the database URL must be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or \
                 VERIFY_IDENTITY",
            )),
        }
    }

    fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyIdentity)
    }
}

impl Tls {
    /// Whether the options fit together.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => Err(invalid("ssl-cert in the database URL needs its ssl-key")),
            (None, Some(_)) => Err(invalid("ssl-key in the database URL needs its ssl-cert")),
            _ => Ok(()),
        }
    }

    /// What the driver is told; nothing for a plain connection. Blocks: it reads files.
    pub(super) fn options(&self) -> Result<Option<SslOpts>, StoreError> {
        if self.mode == SslMode::Disabled {
            return Ok(None);
        }
        let options = SslOpts::default().with_client_identity(self.identity()?);
        // Without verification the driver wants authorities all the same, and has its own.
        if !self.mode.verifies() {
            return Ok(Some(options.with_danger_accept_invalid_certs(true)));
        }
        let authorities = match &self.authorities {
            Some(path) => bundle(path)?,
            None => system()?,
        };
        let authorities = authorities.into_iter().map(|each| each.to_vec().into());
        Ok(Some(
            options
                .with_disable_built_in_roots(true)
                .with_root_certs(authorities.collect()),
        ))
    }

    fn identity(&self) -> Result<Option<ClientIdentity>, StoreError> {
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(None);
        };
        let chain = read(certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|error| unusable(key, "holds no private key").with_source(error))
            .and_then(|pem| {
                rsa_key::pkcs1(&pem).ok_or_else(|| unusable(key, "holds no RSA key"))
            })?;
        Ok(Some(ClientIdentity::new(chain.into(), key.into())))
    }
}

fn bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let bytes = read(path)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, "is not PEM").with_source(error))?;
    if certificates.is_empty() {
        return Err(unusable(path, "holds no certificate"));
    }
    if !certificates.iter().all(is_usable) {
        return Err(unusable(path, "holds a bad certificate"));
    }
    Ok(certificates)
}

/// A system's bundle may hold what rustls does not take: that is no reason to trust nobody.
fn system() -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let mut certificates = rustls_native_certs::load_native_certs().certs;
    certificates.retain(is_usable);
    if certificates.is_empty() {
        return Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "this system has no root certificates: name a PEM bundle as ssl-ca in the database URL",
        ));
    }
    Ok(certificates)
}

fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(|error| unusable(path, "cannot be read").with_source(error))
}

fn unusable(path: &Path, why: &str) -> StoreError {
    let message = format!("{}, named in the database URL, {why}", path.display());
    StoreError::new(StoreErrorKind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(tls: &Tls) -> String {
        let error = tls.options().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        error.to_string()
    }

    fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.pem");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    #[test]
    fn leaves_a_plain_connection_plain() {
        let tls = Tls {
            mode: SslMode::Disabled,
            ..Tls::default()
        };
        assert_eq!(tls.options().unwrap(), None);
    }

    #[test]
    fn verifies_only_where_the_mode_says_so() {
        let pem = rcgen::generate_simple_self_signed(vec!["db.example".to_owned()]);
        let (_folder, path) = file(&pem.unwrap().cert.pem());
        for (mode, verifies) in [
            (SslMode::Preferred, false),
            (SslMode::Required, false),
            (SslMode::VerifyCa, true),
            (SslMode::VerifyIdentity, true),
        ] {
            let tls = Tls {
                mode,
                authorities: Some(path.clone()),
                ..Tls::default()
            };
            let options = tls.options().unwrap().unwrap();
            assert_eq!(options.accept_invalid_certs(), !verifies, "{mode:?}");
            assert_eq!(options.disable_built_in_roots(), verifies, "{mode:?}");
            assert_eq!(
                options.root_certs().len(),
                usize::from(verifies),
                "{mode:?}"
            );
            assert!(!options.skip_domain_validation(), "{mode:?}");
        }
    }

    #[test]
    fn names_the_file_that_it_cannot_use() {
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (content, why) in [("", "no certificate"), (damaged, "bad certificate")] {
            let (_folder, path) = file(content);
            let tls = Tls {
                mode: SslMode::VerifyCa,
                authorities: Some(path.clone()),
                ..Tls::default()
            };
            let message = refusal(&tls);
            assert!(message.contains(why), "{message}");
            assert!(message.contains(path.to_str().unwrap()), "{message}");
        }
        let tls = Tls {
            mode: SslMode::VerifyIdentity,
            authorities: Some("/nowhere/ca.pem".into()),
            ..Tls::default()
        };
        assert!(refusal(&tls).contains("cannot be read"));
    }

    #[test]
    fn says_that_a_client_key_must_be_rsa() {
        let pair = rcgen::generate_simple_self_signed(vec!["swgr".to_owned()]).unwrap();
        let (_certificate, certificate) = file(&pair.cert.pem());
        let (_key, key) = file(&pair.signing_key.serialize_pem());
        let tls = Tls {
            mode: SslMode::Required,
            certificate: Some(certificate),
            key: Some(key),
            ..Tls::default()
        };
        assert!(refusal(&tls).contains("holds no RSA key"));
    }
}
