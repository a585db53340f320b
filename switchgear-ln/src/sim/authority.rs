use std::{fmt, io, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{SimCertificate, certificate::expire, secret::Secret};

/// The authority that a Core Lightning node makes for itself; it signs the node's certificate and
/// its clients'.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a client shows.
#[derive(Debug, Clone)]
pub(super) struct ClientIdentity {
    pub(super) certificate: String,
    pub(super) key: Secret,
}

impl Authority {
    pub(super) fn new() -> io::Result<Self> {
        let mut params = named("cln Root CA")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self(issuer))
    }

    /// Its own certificate.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// The node's certificate, for `cln` and `localhost`.
    pub(super) fn server(&self, expired: bool) -> io::Result<SimCertificate> {
        let mut params = named("cln grpc Server")?;
        if expired {
            expire(&mut params);
        }
        let (certificate, key) = self.sign(&params)?;
        SimCertificate::from_pem(&certificate, &key)
    }

    pub(super) fn client(&self) -> io::Result<ClientIdentity> {
        let (certificate, key) = self.sign(&named("cln grpc Client")?)?;
        Ok(ClientIdentity {
            certificate,
            key: Secret::new(key),
        })
    }

    /// Lets in whom it signed.
    pub(super) fn verifier(&self) -> io::Result<Arc<dyn ClientCertVerifier>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).map_err(io::Error::other)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(io::Error::other)?;
        Ok(verifier)
    }

    fn sign(&self, params: &CertificateParams) -> io::Result<(String, String)> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let signed = params.signed_by(&key, &self.0).map_err(io::Error::other)?;
        Ok((signed.pem(), key.serialize_pem()))
    }
}

/// Leaves out the key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn named(name: &str) -> io::Result<CertificateParams> {
    let names = ["cln", "localhost"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
