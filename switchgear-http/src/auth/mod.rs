//! Bearer tokens: JWT (RFC 7519) signed with ES256, for one audience, with an expiry; and the layer
//! that asks for them (RFC 6750).
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use switchgear_http::auth::{Audience, Authority, SigningKey, TokenError};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pair = SigningKey::generate()?;
//! let key = SigningKey::from_pem(pair.private_pem.as_bytes())?;
//! let now = SystemTime::now();
//! let token = key.mint(Audience::Discovery, Duration::from_secs(60), now)?;
//!
//! let authority = Authority::from_pem(pair.public_pem.as_bytes(), Audience::Discovery)?;
//! assert!(authority.verify(&token).is_ok());
//!
//! let elsewhere = Authority::from_pem(pair.public_pem.as_bytes(), Audience::Offer)?;
//! assert!(matches!(elsewhere.verify(&token), Err(TokenError::Foreign)));
//! # Ok(())
//! # }
//! ```

mod audience;
mod authority;
mod claims;
mod error;
mod layer;
mod service;
mod shared;
mod signing_key;
mod verdicts;
mod watched;

pub use self::{
    audience::Audience,
    authority::Authority,
    claims::{Claims, OneOrMany},
    error::{KeyError, TokenError},
    layer::BearerLayer,
    service::Bearer,
    shared::SharedAuthority,
    signing_key::{KeyPair, SigningKey},
    watched::WatchedAuthority,
};

#[cfg(test)]
mod tests;
