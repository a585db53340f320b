use std::{sync::Arc, time::SystemTime};

use rustls::{crypto::CryptoProvider, sign::CertifiedKey};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{Error, PemObject as _},
};
use x509_parser::{parse_x509_certificate, time::ASN1Time};

use super::{ServeError, TlsPaths};

/// How long before its end a certificate is worth a word, in seconds: 14 days.
const NOTICE: i64 = 14 * 24 * 60 * 60;

/// A certificate chain with its key, and the end of whatever of the chain ends first.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) key: Arc<CertifiedKey>,
    expiry: ASN1Time,
}

impl Identity {
    /// Makes one of the contents of the files that `paths` names.
    pub(super) fn from_pem(
        paths: &TlsPaths,
        cert: &[u8],
        key: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, ServeError> {
        let chain = read_chain(paths, cert)?;
        let expiry = first_expiry(paths, &chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| ServeError::Pem {
            what: "a private key",
            path: paths.key.clone(),
            source,
        })?;
        let key = CertifiedKey::from_der(chain, key, provider);
        let key = key.map_err(|source| ServeError::Identity {
            cert: paths.cert.clone(),
            key: paths.key.clone(),
            source,
        })?;
        Ok(Self {
            key: Arc::new(key),
            expiry,
        })
    }

    /// What there is to say of its end, if that has come or is near.
    pub(super) fn expiry_warning(&self, now: SystemTime) -> Option<String> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let left = self.expiry.timestamp() - i64::try_from(now.as_secs()).ok()?;
        let verb = match left {
            ..=0 => "expired",
            1..=NOTICE => "expires",
            _ => return None,
        };
        Some(format!("{verb} on {}", self.expiry))
    }
}

fn read_chain(paths: &TlsPaths, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let unreadable = |source| ServeError::Pem {
        what: "a certificate",
        path: paths.cert.clone(),
        source,
    };
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(unreadable(Error::NoItemsFound));
    }
    Ok(chain)
}

/// Looks into each certificate: rustls looks into the first one only, and clients would find the rest
/// broken, or expired.
fn first_expiry(
    paths: &TlsPaths,
    chain: &[CertificateDer<'static>],
) -> Result<ASN1Time, ServeError> {
    let mut first = None;
    for (index, certificate) in chain.iter().enumerate() {
        let (_, parsed) =
            parse_x509_certificate(certificate).map_err(|error| ServeError::Certificate {
                position: index + 1,
                path: paths.cert.clone(),
                source: Box::new(error),
            })?;
        let expiry = parsed.validity().not_after;
        first = Some(first.map_or(expiry, |first: ASN1Time| first.min(expiry)));
    }
    Ok(first.expect("a chain has a certificate"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn expiring_in_2030() -> Identity {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2030, 1, 31);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        let paths = TlsPaths {
            cert: "cert.pem".into(),
            key: "key.pem".into(),
        };
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let (cert, key) = (cert.pem(), key.serialize_pem());
        Identity::from_pem(&paths, cert.as_bytes(), key.as_bytes(), &provider).unwrap()
    }

    #[test]
    fn warns_of_its_end_two_weeks_before() {
        let identity = expiring_in_2030();
        let end = SystemTime::from(date_time_ymd(2030, 1, 31));
        assert_eq!(identity.expiry_warning(end - 15 * DAY), None);
        for (moment, verb) in [
            (end - 13 * DAY, "expires on "),
            (end - Duration::from_secs(1), "expires on "),
            (end, "expired on "),
            (end + 400 * DAY, "expired on "),
        ] {
            let warning = identity.expiry_warning(moment).unwrap();
            assert!(warning.starts_with(verb), "{warning}");
            assert!(warning.contains("2030"), "{warning}");
        }
    }
}
