use std::{fs, path::Path, sync::Arc};

use rustls_pki_types::CertificateDer;
use switchgear_http::serve::TlsPaths;
use tokio_rustls::TlsConnector;

/// A certificate for `localhost` with its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    pub(crate) cert_pem: String,
    pub(crate) key_pem: String,
}

impl Identity {
    pub(crate) fn generate() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            cert_pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
            certificate: made.cert.into(),
        }
    }

    /// Two files in a folder.
    pub(crate) fn write_to(&self, folder: &Path) -> TlsPaths {
        let paths = TlsPaths {
            cert: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&paths.cert, &self.cert_pem).unwrap();
        fs::write(&paths.key, &self.key_pem).unwrap();
        paths
    }

    /// A client that believes this certificate alone, and offers `protocol`.
    pub(crate) fn client(&self, protocol: &str) -> TlsConnector {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        // A session that goes on shows no certificate.
        client.resumption = rustls::client::Resumption::disabled();
        Arc::new(client).into()
    }
}

/// A new identity on disk, and a client that believes it and offers `protocol`.
pub(crate) fn identity(folder: &Path, protocol: &str) -> (TlsPaths, TlsConnector) {
    let identity = Identity::generate();
    (identity.write_to(folder), identity.client(protocol))
}
