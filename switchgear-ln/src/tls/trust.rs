use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use rustls::{
    ClientConfig,
    client::Resumption,
    crypto::{self, CryptoProvider},
    sign::{CertifiedKey, SingleCertAndKey},
    version,
};

use super::verifier::NodeVerifier;

pub(super) static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(crypto::aws_lc_rs::default_provider()));

/// What a TLS handshake with a node needs: whom to accept, and who this side is.
///
/// It is made and shared by [`TrustSets`](super::TrustSets): connections trust alike when they have
/// the same one.
pub(crate) struct Trust {
    config: Arc<ClientConfig>,
}

impl Trust {
    /// Trusts whom `verifier` accepts, and shows `identity` to who asks for it.
    pub(super) fn new(verifier: NodeVerifier, identity: Option<CertifiedKey>) -> Self {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .expect("the provider has cipher suites for both versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A resumed session looks at no certificate, so one that expired meanwhile would go on
        // working. Connections are few and long: a full handshake costs nothing that counts.
        config.resumption = Resumption::disabled();
        Self {
            config: Arc::new(config),
        }
    }

    /// How to shake hands.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

/// Leaves out the key.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}
