/// Why a token is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is no token of this authority: malformed, of another algorithm, or signed by another key.
    #[error("the token is bad: {0}")]
    Bad(&'static str),
    /// It was good once.
    #[error("the token is expired, mint a new one")]
    Expired,
    /// It will be good later.
    #[error("the token is not valid yet")]
    Premature,
    /// It is good for another service.
    #[error("the token is foreign: it is meant for another service")]
    Foreign,
}

/// Why a key is refused, or a token could not be made. It never shows the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Its file cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// The text holds no PEM section of the kind.
    #[error("there is no PEM section {0}")]
    Missing(&'static str),
    /// The text is no PEM.
    #[error("the PEM is broken")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// The section holds something else than a P-256 key.
    #[error("the PEM section {0} holds no P-256 key")]
    NotP256(&'static str),
    /// The cryptographic library failed.
    #[error("the key could not be used")]
    Crypto(#[source] Box<dyn std::error::Error + Send + Sync>),
}
