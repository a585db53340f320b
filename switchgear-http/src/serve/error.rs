use std::{io, net::SocketAddr, path::PathBuf};

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be bound: taken, foreign, or a privileged port.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A PEM file cannot be read, or holds none of what it should.
    #[error("cannot read {what} from {}", path.display())]
    Pem {
        /// What should stand there.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// A certificate of the chain is broken.
    #[error("certificate {position} in {} is broken", path.display())]
    Certificate {
        /// Its place in the chain, from 1.
        position: usize,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Certificate and key do not serve TLS together.
    #[error("the certificate in {} and the key in {} do not go together", cert.display(), key.display())]
    Identity {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}
