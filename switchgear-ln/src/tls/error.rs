use rustls::pki_types::pem;

/// Why a PEM file cannot be used; it continues a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
pub(super) enum PemFileError {
    /// Not PEM.
    #[error("is not PEM")]
    Pem(#[source] pem::Error),
    /// PEM of something else.
    #[error("holds no certificate")]
    NoCertificate,
    /// No certificate of it can be read.
    #[error("holds a broken certificate")]
    Broken,
    /// Certificates, and none that can sign others.
    #[error("holds no certificate of an authority")]
    NoAuthority,
    /// PEM of something else, or a key under a passphrase.
    #[error("holds no private key without a passphrase")]
    NoKey,
    /// A key of a kind that TLS does not know.
    #[error("holds a private key that TLS cannot use")]
    UnusableKey,
    /// The key of another certificate.
    #[error("is not the key of the client certificate beside it")]
    OtherKey,
}
