use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{self, CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use switchgear_core::store::StoreError;

use super::tls::unusable;

/// Named here, so that no order of set-up in a process can change it.
static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// Which servers to believe.
pub(super) enum Trust {
    /// Any: TLS keeps out who listens, and nobody who answers.
    Anyone,
    /// Those whose certificate one of the roots signed, or is itself, and which may have to bear
    /// the host's name.
    Signed {
        roots: Vec<CertificateDer<'static>>,
        named: bool,
    },
}

/// Judges a server's certificate as libpq's `sslmode` says. Handshake signatures are checked
/// always: showing a certificate is not owning it.
pub(super) struct Verifier(Judge);

enum Judge {
    Anyone,
    Signed {
        authorities: Arc<WebPkiServerVerifier>,
        roots: Vec<CertificateDer<'static>>,
        named: bool,
    },
}

impl Verifier {
    pub(super) fn try_new(trust: Trust) -> Result<Self, StoreError> {
        let (roots, named) = match trust {
            Trust::Anyone => return Ok(Self(Judge::Anyone)),
            Trust::Signed { roots, named } => (roots, named),
        };
        let mut store = RootCertStore::empty();
        // A system's bundle may hold what rustls does not take: that is no reason to trust nobody.
        store.add_parsable_certificates(roots.iter().cloned());
        let authorities =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&PROVIDER))
                .build()
                .map_err(|error| {
                    let message =
                        "the database URL's sslrootcert has no certificate that can be a root";
                    unusable(message).with_source(error)
                })?;
        Ok(Self(Judge::Signed {
            authorities,
            roots,
            named,
        }))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judge = match self.0 {
            Judge::Anyone => "anyone",
            Judge::Signed { named: false, .. } => "signed",
            Judge::Signed { named: true, .. } => "signed and named",
        };
        f.debug_tuple("Verifier").field(&judge).finish()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Judge::Signed {
            authorities,
            roots,
            named,
        } = &self.0
        else {
            return Ok(ServerCertVerified::assertion());
        };
        let verdict = authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            // The name is looked at last: all else was in order.
            Err(error) if !named && is_about_the_name(&error) => {
                Ok(ServerCertVerified::assertion())
            }
            Err(error) if is_root_as_server(&error) && roots.contains(end_entity) => {
                if *named {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
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

fn is_about_the_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// Whether the certificate is within its dates and yet refused because it is marked as an
/// authority's, as those are that `openssl req -x509` makes for a server by PostgreSQL's manual.
fn is_root_as_server(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.to_string().contains("CaUsedAsEndEntity")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority(name: &str) -> Authority {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn signed_by(authority: &Authority, name: &str) -> CertificateDer<'static> {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, authority).unwrap().der().clone()
    }

    fn signed(root: &Authority, named: bool) -> Verifier {
        let roots = vec![root.der().clone()];
        Verifier::try_new(Trust::Signed { roots, named }).unwrap()
    }

    fn verdict(verifier: &Verifier, certificate: &CertificateDer<'_>, name: &str) -> &'static str {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        match verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now()) {
            Ok(_) => "trusted",
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => "unknown issuer",
            Err(error) if is_about_the_name(&error) => "other name",
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { .. })) => "expired",
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn looks_at_signer_and_name_as_asked() {
        let (ours, foreign) = (authority("ours"), authority("foreign"));
        let server = signed_by(&ours, "db.example");
        let stranger = signed_by(&foreign, "db.example");
        let anyone = Verifier::try_new(Trust::Anyone).unwrap();
        for (verifier, right, wrong_name, wrong_signer) in [
            (
                signed(&ours, true),
                "trusted",
                "other name",
                "unknown issuer",
            ),
            (signed(&ours, false), "trusted", "trusted", "unknown issuer"),
            (anyone, "trusted", "trusted", "trusted"),
        ] {
            assert_eq!(verdict(&verifier, &server, "db.example"), right);
            assert_eq!(verdict(&verifier, &server, "other.example"), wrong_name);
            assert_eq!(verdict(&verifier, &stranger, "db.example"), wrong_signer);
        }
    }

    #[test]
    fn accepts_a_root_that_is_the_servers_own_certificate_within_its_dates() {
        let own = authority("db.example");
        assert_eq!(
            verdict(&signed(&own, true), own.der(), "db.example"),
            "trusted"
        );
        assert_eq!(
            verdict(&signed(&own, true), own.der(), "other"),
            "other name"
        );
        assert_eq!(verdict(&signed(&own, false), own.der(), "other"), "trusted");

        let mut params = CertificateParams::new(vec!["db.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let old = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        assert_eq!(
            verdict(&signed(&old, false), old.der(), "db.example"),
            "expired"
        );
    }

    #[test]
    fn refuses_roots_that_none_can_be_signed_by() {
        let roots = vec![CertificateDer::from(vec![0, 0, 0])];
        let error = Verifier::try_new(Trust::Signed { roots, named: true }).unwrap_err();
        assert!(error.to_string().contains("can be a root"), "{error}");
    }
}
