use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};

use super::{Audience, Claims, KeyError, TokenError, verdicts::Verdicts};

/// Whose tokens are believed, and for which service.
///
/// Several keys at once let an old and a new one overlap.
#[derive(Clone)]
pub struct Authority {
    keys: Vec<DecodingKey>,
    audience: Audience,
    verdicts: Arc<Verdicts>,
}

impl Authority {
    /// How far a token's clock may be off.
    pub const LEEWAY: Duration = Duration::from_secs(5);

    /// The longest token, in bytes.
    pub const MAX_TOKEN_LEN: usize = 8_192;

    /// Reads one or more SPKI `PUBLIC KEY` sections.
    ///
    /// # Errors
    /// When there is none, or one is no P-256 key.
    pub fn from_pem(pem: &[u8], audience: Audience) -> Result<Self, KeyError> {
        let keys = SubjectPublicKeyInfoDer::pem_slice_iter(pem)
            .map(|section| public_key(&section.map_err(KeyError::Pem)?))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::Missing(SECTION));
        }
        Ok(Self {
            keys,
            audience,
            verdicts: Arc::default(),
        })
    }

    /// The service that tokens must be for.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// Checks a token now.
    ///
    /// # Errors
    /// When it is bad, expired, not valid yet, or for another service; the signature is judged first.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        self.verify_at(token, SystemTime::now())
    }

    /// Checks a token as of `now`.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_at(&self, token: &str, now: SystemTime) -> Result<Claims, TokenError> {
        self.judge(token, now).map(Arc::unwrap_or_clone)
    }

    /// As [`Self::verify_at`], without a copy of the claims.
    pub(super) fn judge(&self, token: &str, now: SystemTime) -> Result<Arc<Claims>, TokenError> {
        if token.len() > Self::MAX_TOKEN_LEN {
            return Err(TokenError::Bad("it is too long"));
        }
        let claims = self.verdicts.get_or_check(token, || {
            check_header(token)?;
            self.signed_claims(token)
        })?;
        check_times(&claims, now)?;
        if !claims.is_for(self.audience) {
            return Err(TokenError::Foreign);
        }
        Ok(claims)
    }

    fn signed_claims(&self, token: &str) -> Result<Claims, TokenError> {
        use jsonwebtoken::errors::ErrorKind;

        let validation = signature_alone();
        for key in &self.keys {
            match decode(token, key, &validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {}
                Err(_) => return Err(TokenError::Bad("it is malformed")),
            }
        }
        Err(TokenError::Bad("its signature is not of this authority"))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("keys", &self.keys.len())
            .field("audience", &self.audience)
            .finish()
    }
}

const SECTION: &str = "PUBLIC KEY";

/// Keeps the SPKI as it is: the verifier reads that form, and was just seen to.
fn public_key(spki: &SubjectPublicKeyInfoDer<'_>) -> Result<DecodingKey, KeyError> {
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, spki).map_err(|_| KeyError::NotP256(SECTION))?;
    Ok(DecodingKey::from_ec_der(spki))
}

/// One algorithm, and no extension that this side would have to understand (RFC 7515, 4.1.11). Keys
/// that a header carries or points to are never looked at.
fn check_header(token: &str) -> Result<(), TokenError> {
    let header = decode_header(token).map_err(|_| TokenError::Bad("it is malformed"))?;
    if header.alg != Algorithm::ES256 {
        return Err(TokenError::Bad("its algorithm is not ES256"));
    }
    if header.crit.is_some() {
        return Err(TokenError::Bad("it has critical extensions"));
    }
    Ok(())
}

/// The library checks the signature only: the claims are judged here, where `now` is an argument.
fn signature_alone() -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn check_times(claims: &Claims, now: SystemTime) -> Result<(), TokenError> {
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|_| TokenError::Premature)?
        .as_secs();
    let leeway = Authority::LEEWAY.as_secs();
    if claims.exp.saturating_add(leeway) <= now {
        return Err(TokenError::Expired);
    }
    if claims
        .nbf
        .is_some_and(|nbf| nbf > now.saturating_add(leeway))
    {
        return Err(TokenError::Premature);
    }
    Ok(())
}
