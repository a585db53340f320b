use std::{fmt, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{error::PemFileError, pin::Pin, trust::PROVIDER};

/// Accepts the certificates that are pinned, and any that one of the authorities signed.
///
/// LND's own `tls.cert` is self-signed and marked as an authority, which the ordinary rules refuse
/// for a server. So a presented certificate that equals a pinned one byte for byte is accepted
/// whatever it says of itself, except its dates; any other must have a chain to an authority and the
/// right name. A file with the node's old and new certificate serves while the node goes from one to
/// the other. Handshake signatures are checked in both cases: knowing the certificate is not owning
/// it.
pub(super) struct NodeVerifier {
    pins: Vec<Pin>,
    /// Asked in order; the first that accepts decides.
    authorities: Vec<Arc<WebPkiServerVerifier>>,
}

impl NodeVerifier {
    /// Accepts `certificates` themselves, and what any of them or `system` signed.
    pub(super) fn pinned_or_signed(
        certificates: Vec<CertificateDer<'static>>,
        system: Option<Arc<WebPkiServerVerifier>>,
    ) -> Result<Self, PemFileError> {
        let pins: Vec<_> = certificates
            .iter()
            .filter_map(|certificate| Pin::try_new(certificate.clone()).ok())
            .collect();
        if pins.is_empty() {
            return Err(PemFileError::Broken);
        }
        // Where no certificate of the file can be a root a pinned one may still do.
        let of_file = authorities(certificates);
        Ok(Self {
            pins,
            authorities: of_file.into_iter().chain(system).collect(),
        })
    }

    /// Accepts what any of `certificates` or `system` signed.
    pub(super) fn signed(
        certificates: Vec<CertificateDer<'static>>,
        system: Option<Arc<WebPkiServerVerifier>>,
    ) -> Result<Self, PemFileError> {
        let of_file = authorities(certificates).ok_or(PemFileError::NoAuthority)?;
        Ok(Self {
            pins: Vec::new(),
            authorities: [of_file].into_iter().chain(system).collect(),
        })
    }
}

/// The ordinary rules with `certificates` as the roots; `None` when none of them can be one.
pub(super) fn authorities(
    certificates: Vec<CertificateDer<'static>>,
) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER))
        .build()
        .ok()
}

impl fmt::Debug for NodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeVerifier")
            .field("pins", &self.pins)
            .field("authorities", &self.authorities.len())
            .finish()
    }
}

impl ServerCertVerifier for NodeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(pin) = self.pins.iter().find(|pin| pin.is(end_entity)) {
            return pin.check(now).map(|()| ServerCertVerified::assertion());
        }
        let mut refusal = CertificateError::UnknownIssuer.into();
        for authority in &self.authorities {
            match authority
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map_err(foreign)
            {
                Ok(verified) => return Ok(verified),
                // Whoever knows the issuer knows what is wrong with the certificate.
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
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

/// Certificates that nodes make for themselves bear one subject and are marked as authorities, so
/// another node's is refused for a bad signature or its kind, which would mislead: it is not the
/// configured one.
fn foreign(error: Error) -> Error {
    match error {
        Error::InvalidCertificate(CertificateError::BadSignature | CertificateError::Other(_)) => {
            CertificateError::UnknownIssuer.into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn signed_by(authority: &Authority, name: &str) -> CertificateDer<'static> {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, authority).unwrap().der().clone()
    }

    fn verdict(
        verifier: &NodeVerifier,
        certificate: &CertificateDer<'_>,
        name: &str,
    ) -> Result<(), Error> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier
            .verify_server_cert(certificate, &[], &name, &[], UnixTime::now())
            .map(drop)
    }

    fn unknown_issuer() -> Error {
        CertificateError::UnknownIssuer.into()
    }

    #[test]
    fn refuses_a_broken_certificate_and_a_file_without_an_authority() {
        let broken = CertificateDer::from(vec![0, 0, 0]);
        let error = NodeVerifier::pinned_or_signed(vec![broken.clone()], None).unwrap_err();
        assert_eq!(error.to_string(), "holds a broken certificate");
        let error = NodeVerifier::signed(vec![broken], None).unwrap_err();
        assert_eq!(error.to_string(), "holds no certificate of an authority");
    }

    #[test]
    fn accepts_the_pinned_certificate_for_any_name_within_its_dates_only() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["one.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let pinned = vec![certificate.der().clone()];
        let verifier = NodeVerifier::pinned_or_signed(pinned, None).unwrap();

        let at = |seconds| {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            let name = ServerName::try_from("other.example").unwrap();
            verifier.verify_server_cert(certificate.der(), &[], &name, &[], now)
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

    #[test]
    fn every_certificate_of_the_file_is_pinned_and_a_broken_one_among_them_does_not_matter() {
        let self_signed = |name: &str| {
            let names = vec![name.to_owned()];
            let certified = rcgen::generate_simple_self_signed(names).unwrap();
            certified.cert.der().clone()
        };
        let (old, new, other) = (self_signed("a"), self_signed("b"), self_signed("c"));
        let broken = CertificateDer::from(vec![0, 0, 0]);
        let file = vec![old.clone(), broken, new.clone()];
        let verifier = NodeVerifier::pinned_or_signed(file, None).unwrap();
        for pinned in [&old, &new] {
            assert_eq!(verdict(&verifier, pinned, "any.example"), Ok(()));
        }
        let verdict = verdict(&verifier, &other, "c");
        assert_eq!(verdict, Err(unknown_issuer()));
    }

    #[test]
    fn an_authority_is_not_pinned_itself() {
        let ours = authority("ours");
        let verifier = NodeVerifier::signed(vec![ours.der().clone()], None).unwrap();
        assert!(verdict(&verifier, ours.der(), "cln").is_err());
        assert_eq!(verdict(&verifier, &signed_by(&ours, "cln"), "cln"), Ok(()));
    }

    #[test]
    fn system_roots_add_what_they_signed_under_the_right_name_and_nothing_else() {
        let (ours, public, unknown) = (authority("a"), authority("b"), authority("c"));
        let system = authorities(vec![public.der().clone()]);
        for verifier in [
            NodeVerifier::signed(vec![ours.der().clone()], system.clone()).unwrap(),
            NodeVerifier::pinned_or_signed(vec![ours.der().clone()], system.clone()).unwrap(),
        ] {
            for signer in [&ours, &public] {
                let node = signed_by(signer, "node.example");
                assert_eq!(verdict(&verifier, &node, "node.example"), Ok(()));
                assert!(matches!(
                    verdict(&verifier, &node, "other.example"),
                    Err(Error::InvalidCertificate(
                        CertificateError::NotValidForNameContext { .. }
                    ))
                ));
            }
            let foreign = signed_by(&unknown, "node.example");
            let verdict = verdict(&verifier, &foreign, "node.example");
            assert_eq!(verdict, Err(unknown_issuer()));
        }
    }

    #[test]
    fn without_system_roots_only_the_files_own_count() {
        let (ours, public) = (authority("a"), authority("b"));
        let verifier = NodeVerifier::signed(vec![ours.der().clone()], None).unwrap();
        let node = signed_by(&public, "node.example");
        let verdict = verdict(&verifier, &node, "node.example");
        assert_eq!(verdict, Err(unknown_issuer()));
    }
}
