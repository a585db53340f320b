use std::sync::Arc;

use rustls::{ServerConfig, crypto::aws_lc_rs};
use tokio_rustls::TlsAcceptor;

use super::{ServeError, TlsPaths, certificates::Certificates};

/// TLS with an identity that is read again when it changes.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) certificates: Certificates,
}

impl Tls {
    /// Reads an identity and offers HTTP/2 and HTTP/1.1 with it.
    pub(super) fn new(paths: &TlsPaths) -> Result<Self, ServeError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certificates = Certificates::read(paths, Arc::clone(&provider))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| ServeError::Identity {
                cert: paths.cert.clone(),
                key: paths.key.clone(),
                source,
            })?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates.current()));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificates,
        })
    }
}
