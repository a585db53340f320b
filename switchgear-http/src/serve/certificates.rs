use std::{sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use rustls::{
    crypto::CryptoProvider,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use switchgear_core::ErrorChain;

use super::{ServeError, TlsPaths, identity::Identity};
use crate::watch::{Files, Unreadable};

/// The certificate that handshakes get, which can change between two of them. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Current(Arc<ArcSwap<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// A listener's certificate and key, and what keeps them up with their files.
pub(super) struct Certificates {
    paths: TlsPaths,
    files: Files<2>,
    provider: Arc<CryptoProvider>,
    current: Current,
}

impl Certificates {
    /// Reads the files for the first time.
    pub(super) fn read(
        paths: &TlsPaths,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ServeError> {
        let (files, [cert, key]) = Files::read([paths.cert.clone(), paths.key.clone()])
            .map_err(|unreadable| refuse(paths, unreadable))?;
        let identity = Identity::from_pem(paths, &cert, &key, &provider)?;
        warn_of_expiry(paths, &identity);
        Ok(Self {
            paths: paths.clone(),
            files,
            provider,
            current: Current(Arc::new(ArcSwap::new(identity.key))),
        })
    }

    /// What handshakes ask.
    pub(super) fn current(&self) -> Current {
        self.current.clone()
    }

    /// Takes up what the files hold whenever that changed and fits together, for ever. Connections
    /// that are open go on with the certificate that they began with.
    pub(super) async fn watch(self) {
        let Self {
            paths,
            files,
            provider,
            current,
        } = self;
        let take = move |[cert, key]: [Vec<u8>; 2]| {
            let identity = Identity::from_pem(&paths, &cert, &key, &provider)
                .map_err(|error| ErrorChain(&error).to_string())?;
            tracing::info!("the certificate in {} was taken up", paths.cert.display());
            warn_of_expiry(&paths, &identity);
            current.0.store(identity.key);
            Ok(())
        };
        files.watch("certificate", take).await;
    }
}

fn warn_of_expiry(paths: &TlsPaths, identity: &Identity) {
    if let Some(warning) = identity.expiry_warning(SystemTime::now()) {
        tracing::warn!("the certificate in {} {warning}", paths.cert.display());
    }
}

/// A file that cannot be read is refused like one that holds nothing of use.
fn refuse(paths: &TlsPaths, unreadable: Unreadable) -> ServeError {
    let Unreadable { path, source } = unreadable;
    ServeError::Pem {
        what: if path == paths.key {
            "a private key"
        } else {
            "a certificate"
        },
        path,
        source: rustls_pki_types::pem::Error::Io(source),
    }
}
