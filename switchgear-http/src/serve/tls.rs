use std::sync::Arc;

use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{Error, PemObject as _},
};
use tokio_rustls::TlsAcceptor;
use x509_parser::parse_x509_certificate;

use super::{ServeError, TlsPaths};

/// Reads an identity and offers HTTP/2 and HTTP/1.1 with it.
pub(super) fn acceptor(paths: &TlsPaths) -> Result<TlsAcceptor, ServeError> {
    let chain = read_chain(paths)?;
    let key = PrivateKeyDer::from_pem_file(&paths.key).map_err(|source| ServeError::Pem {
        what: "a private key",
        path: paths.key.clone(),
        source,
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|source| ServeError::Identity {
            cert: paths.cert.clone(),
            key: paths.key.clone(),
            source,
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Reads the whole chain and looks into each certificate: rustls looks into the first one only, and
/// clients would find the rest broken.
fn read_chain(paths: &TlsPaths) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let unreadable = |source| ServeError::Pem {
        what: "a certificate",
        path: paths.cert.clone(),
        source,
    };
    let chain = CertificateDer::pem_file_iter(&paths.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(unreadable(Error::NoItemsFound));
    }
    for (index, certificate) in chain.iter().enumerate() {
        parse_x509_certificate(certificate).map_err(|error| ServeError::Certificate {
            position: index + 1,
            path: paths.cert.clone(),
            source: Box::new(error),
        })?;
    }
    Ok(chain)
}
