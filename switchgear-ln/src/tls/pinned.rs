use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{self, CryptoProvider},
    pki_types::{CertificateDer, ServerName, UnixTime, pem, pem::PemObject as _},
};
use x509_parser::parse_x509_certificate;

/// Accepts the one certificate that a file names, or any that the file's certificates signed.
///
/// LND's own `tls.cert` is self-signed and marked as an authority, which the ordinary rules refuse
/// for a server. So a presented certificate that equals the file's first byte for byte is accepted
/// whatever it says of itself, except its dates; any other must have a chain to one of the file's
/// certificates and the right name. Handshake signatures are checked in both cases: knowing the
/// certificate is not owning it.
pub(crate) struct PinnedOrRoot {
    certificates: Vec<CertificateDer<'static>>,
    pinned: Validity,
    roots: Option<Arc<WebPkiServerVerifier>>,
}

impl PinnedOrRoot {
    /// Reads the certificates of a PEM file; all else in it is skipped.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, CertificateFileError> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
        let first = certificates.first().ok_or(CertificateFileError::Empty)?;
        let pinned = Validity::of(first)?;
        let roots = roots(&certificates);
        Ok(Self {
            certificates,
            pinned,
            roots,
        })
    }

    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.first() == Some(certificate)
    }
}

/// Two trust the same when their files hold the same certificates.
impl PartialEq for PinnedOrRoot {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

impl fmt::Debug for PinnedOrRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedOrRoot")
            .field("certificates", &self.certificates.len())
            .field("pinned", &self.pinned)
            .finish_non_exhaustive()
    }
}

impl ServerCertVerifier for PinnedOrRoot {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.is_pinned(end_entity) {
            return self
                .pinned
                .check(now)
                .map(|()| ServerCertVerified::assertion());
        }
        match &self.roots {
            Some(roots) => roots
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map_err(foreign),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &PROVIDER.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &PROVIDER.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Why a file's certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateFileError {
    /// Not PEM.
    #[error("is not PEM")]
    Pem(#[from] pem::Error),
    /// PEM of something else.
    #[error("holds no certificate")]
    Empty,
    /// The first certificate is broken.
    #[error("holds a broken certificate")]
    Broken,
}

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(crypto::aws_lc_rs::default_provider()));

/// When a certificate holds, in seconds since the Unix epoch, both ends included (RFC 5280, 4.1.2.5).
#[derive(Debug, Clone, Copy)]
struct Validity {
    not_before: i64,
    not_after: i64,
}

impl Validity {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, CertificateFileError> {
        let (_, parsed) =
            parse_x509_certificate(certificate).map_err(|_| CertificateFileError::Broken)?;
        let validity = parsed.validity();
        Ok(Self {
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    fn check(self, time: UnixTime) -> Result<(), Error> {
        let now = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        if now < self.not_before {
            let not_before = unix_time(self.not_before);
            return Err(CertificateError::NotValidYetContext { time, not_before }.into());
        }
        if now > self.not_after {
            let not_after = unix_time(self.not_after);
            return Err(CertificateError::ExpiredContext { time, not_after }.into());
        }
        Ok(())
    }
}

/// Certificates that LND makes bear one subject and are marked as authorities, so another node's is
/// refused for a bad signature or its kind, which would mislead: it is not the configured one.
fn foreign(error: Error) -> Error {
    match error {
        Error::InvalidCertificate(CertificateError::BadSignature | CertificateError::Other(_)) => {
            CertificateError::UnknownIssuer.into()
        }
        other => other,
    }
}

fn unix_time(seconds: i64) -> UnixTime {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// `None` when no certificate of the file can be a root; the pinned one may still do.
fn roots(certificates: &[CertificateDer<'static>]) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER))
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_files_without_a_certificate() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        for (pem, reason) in [
            ("", "holds no certificate"),
            ("not a certificate", "holds no certificate"),
            (key, "holds no certificate"),
            (broken, "holds a broken certificate"),
            (cut, "is not PEM"),
        ] {
            let error = PinnedOrRoot::from_pem(pem.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), reason, "{pem:?}");
        }
    }

    #[test]
    fn accepts_the_pinned_certificate_for_any_name_within_its_dates_only() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["one.example".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let trust = PinnedOrRoot::from_pem(certificate.pem().as_bytes()).unwrap();

        let at = |seconds| {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            let name = ServerName::try_from("other.example").unwrap();
            trust.verify_server_cert(certificate.der(), &[], &name, &[], now)
        };
        const FROM: u64 = 1_577_836_800;
        const UNTIL: u64 = 1_609_459_200;
        assert!(at(FROM).is_ok());
        assert!(at(UNTIL).is_ok());
        assert!(matches!(
            at(FROM - 1),
            Err(Error::InvalidCertificate(
                CertificateError::NotValidYetContext { .. }
            ))
        ));
        assert!(matches!(
            at(UNTIL + 1),
            Err(Error::InvalidCertificate(
                CertificateError::ExpiredContext { .. }
            ))
        ));
    }
}
