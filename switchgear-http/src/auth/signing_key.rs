use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    encoding::AsDer as _,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pem::{EncodeConfig, LineEnding, Pem};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};

use super::{Audience, Claims, KeyError, OneOrMany};

/// A P-256 key that signs tokens. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SigningKey(EncodingKey);

impl SigningKey {
    /// A new pair as PEM.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<KeyPair, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(crypto)?;
        let private = pair.to_pkcs8v1().map_err(crypto)?;
        let public = pair.public_key().as_der().map_err(crypto)?;
        Ok(KeyPair {
            private_pem: to_pem(SECTION, private.as_ref()),
            public_pem: to_pem("PUBLIC KEY", public.as_ref()),
        })
    }

    /// Reads a PKCS#8 `PRIVATE KEY` section.
    ///
    /// # Errors
    /// When there is none, or it is no P-256 key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        use rustls_pki_types::pem::Error;

        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|error| match error {
            Error::NoItemsFound => KeyError::Missing(SECTION),
            error => KeyError::Pem(error),
        })?;
        let der = der.secret_pkcs8_der();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|_| KeyError::NotP256(SECTION))?;
        Ok(Self(EncodingKey::from_ec_der(der)))
    }

    /// A token for `audience` that is good from `now` on for `expires`, cut to whole seconds.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn mint(
        &self,
        audience: Audience,
        expires: Duration,
        now: SystemTime,
    ) -> Result<String, KeyError> {
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        self.sign(&Claims {
            aud: OneOrMany::One(audience.as_str().to_owned()),
            exp: now.saturating_add(expires.as_secs()),
            iat: Some(now),
            nbf: None,
            sub: None,
        })
    }

    /// A token that says exactly `claims`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        encode(&Header::new(Algorithm::ES256), claims, &self.0)
            .map_err(|error| KeyError::Crypto(error.into()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

/// A key pair as PEM. Its `Debug` shows the public half only.
#[derive(Clone)]
pub struct KeyPair {
    /// PKCS#8, `PRIVATE KEY`.
    pub private_pem: String,
    /// SPKI, `PUBLIC KEY`.
    pub public_pem: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("public_pem", &self.public_pem)
            .finish_non_exhaustive()
    }
}

const SECTION: &str = "PRIVATE KEY";

fn to_pem(section: &str, der: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(section, der), config)
}

fn crypto(error: aws_lc_rs::error::Unspecified) -> KeyError {
    KeyError::Crypto(error.into())
}
