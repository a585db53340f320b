use rustls::{
    Error, InconsistentKeys,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
    sign::CertifiedKey,
};

use super::{error::PemFileError, trust::PROVIDER};

/// Reads the certificates of a PEM file; all else in it is skipped.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemFileError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(PemFileError::Pem)?;
    if certificates.is_empty() {
        return Err(PemFileError::NoCertificate);
    }
    Ok(certificates)
}

/// Who this side is, by a certificate chain (leaf first) and the key of its leaf.
///
/// The key may be PKCS#8, PKCS#1 or SEC 1. What is wrong is wrong with the key's file.
pub(super) fn client_identity(
    chain: Vec<CertificateDer<'static>>,
    key: &[u8],
) -> Result<CertifiedKey, PemFileError> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
        pem::Error::NoItemsFound => PemFileError::NoKey,
        other => PemFileError::Pem(other),
    })?;
    let key = PROVIDER
        .key_provider
        .load_private_key(key)
        .map_err(|_| PemFileError::UnusableKey)?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        // Not every kind of key tells its public half; then the handshake shows it.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(identity),
        Err(_) => Err(PemFileError::OtherKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn self_signed() -> (Vec<CertificateDer<'static>>, rcgen::KeyPair) {
        let certified = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        (vec![certified.cert.der().clone()], certified.signing_key)
    }

    fn pem(label: &str) -> String {
        format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n")
    }

    #[test]
    fn takes_a_key_and_its_certificate() {
        let (chain, key) = self_signed();
        let identity = client_identity(chain.clone(), key.serialize_pem().as_bytes()).unwrap();
        assert_eq!(identity.cert, chain);
    }

    #[test]
    fn tells_what_is_wrong_with_a_key() {
        let (chain, _) = self_signed();
        let (_, other) = self_signed();
        for (pem, reason) in [
            (
                other.serialize_pem(),
                "is not the key of the client certificate beside it",
            ),
            (
                pem("CERTIFICATE"),
                "holds no private key without a passphrase",
            ),
            (
                pem("ENCRYPTED PRIVATE KEY"),
                "holds no private key without a passphrase",
            ),
            (
                pem("PRIVATE KEY"),
                "holds a private key that TLS cannot use",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n".to_owned(),
                "is not PEM",
            ),
        ] {
            let error = client_identity(chain.clone(), pem.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), reason);
        }
    }

    #[test]
    fn refuses_files_without_a_certificate() {
        for (pem, reason) in [
            (String::new(), "holds no certificate"),
            ("not a certificate".to_owned(), "holds no certificate"),
            (pem("PRIVATE KEY"), "holds no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned(),
                "is not PEM",
            ),
        ] {
            let error = certificates(pem.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), reason, "{pem:?}");
        }
    }
}
