use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use switchgear_core::store::{StoreError, StoreErrorKind};

/// TLS that trusts `roots`, or the system's authorities when there are none.
pub(super) fn trusting(roots: &[PathBuf]) -> Result<ClientConfig, StoreError> {
    if roots.is_empty() {
        return with_roots(system_roots()?);
    }
    let mut store = RootCertStore::empty();
    for path in roots {
        add_bundle(&mut store, path)?;
    }
    with_roots(store)
}

/// For a service without TLS.
pub(super) fn trusting_nobody() -> Result<ClientConfig, StoreError> {
    with_roots(RootCertStore::empty())
}

fn with_roots(roots: RootCertStore) -> Result<ClientConfig, StoreError> {
    // The provider is named here, so that no order of set-up in a process can change it.
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("TLS cannot be set up").with_source(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn system_roots() -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    // A system's bundle may hold what rustls does not take: that is no reason to trust nobody.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(unusable(
            "this system has no root certificates: name a PEM bundle as trusted root",
        ));
    }
    Ok(roots)
}

fn add_bundle(roots: &mut RootCertStore, path: &Path) -> Result<(), StoreError> {
    let bad = |why: &str| unusable(format!("the trusted roots {} {why}", path.display()));
    let before = roots.len();
    let bundle = CertificateDer::pem_file_iter(path)
        .map_err(|error| bad("cannot be read").with_source(error))?;
    for certificate in bundle {
        let certificate = certificate.map_err(|error| bad("are not PEM").with_source(error))?;
        roots
            .add(certificate)
            .map_err(|error| bad("hold a bad certificate").with_source(error))?;
    }
    if roots.len() == before {
        return Err(bad("hold no certificate"));
    }
    Ok(())
}

fn unusable(message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Remote, message)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn refusal(content: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        fs::write(&path, content).unwrap();
        trusting(&[path]).unwrap_err().to_string()
    }

    #[test]
    fn refuses_a_bundle_that_would_trust_less_than_it_says() {
        assert!(refusal("").ends_with("hold no certificate"));
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(refusal(cut).ends_with("are not PEM"), "{}", refusal(cut));
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refusal(junk).ends_with("hold a bad certificate"));
        let missing = trusting(&[PathBuf::from("/nonexistent/ca.pem")]).unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("/nonexistent/ca.pem cannot be read")
        );
    }
}
