use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};

/// Who signs whatever is to be signed, with the key of a service.
pub(crate) struct Forger {
    audience: &'static str,
    /// Whom the service believes.
    private_pem: String,
    public_pem: String,
    stranger_pem: String,
    pub(crate) now: u64,
}

impl Forger {
    pub(crate) fn new(
        audience: &'static str,
        private_pem: String,
        public_pem: String,
    ) -> anyhow::Result<Self> {
        let stranger = switchgear_http::auth::SigningKey::generate()?;
        Ok(Self {
            audience,
            private_pem,
            public_pem,
            stranger_pem: stranger.private_pem,
            now: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        })
    }

    /// What a good token says.
    pub(crate) fn claims(&self) -> Value {
        json!({"aud": self.audience, "exp": self.now + 600})
    }

    pub(crate) fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let key = EncodingKey::from_ec_pem(self.private_pem.as_bytes())?;
        Ok(encode(&Header::new(Algorithm::ES256), claims, &key)?)
    }

    /// A good token but for one claim; `null` leaves it out.
    pub(crate) fn with(&self, claim: &str, value: Value) -> anyhow::Result<String> {
        let mut claims = self.claims();
        claims[claim] = value;
        if let Some(claims) = claims.as_object_mut() {
            claims.retain(|_, value| !value.is_null());
        }
        self.sign(&claims)
    }

    /// Signs these very bytes with a key.
    fn sign_raw(&self, pem: &str, header: &str, claims: &str) -> anyhow::Result<String> {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}.{claims}");
        let key = EncodingKey::from_ec_pem(pem.as_bytes())?;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256)?;
        Ok(format!("{message}.{signature}"))
    }

    /// Tokens that no service may take, each with its trick.
    pub(crate) fn bad_tokens(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        Ok([
            self.bad_signatures()?,
            self.bad_headers()?,
            self.bad_claims()?,
        ]
        .concat())
    }

    fn bad_signatures(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let good = self.sign(&self.claims())?;
        let (message, _) = good.rsplit_once('.').context("no token")?;
        let resigned =
            |signature: &[u8]| format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        let order =
            hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")?;
        let one = [[0; 31].as_slice(), &[1]].concat();
        let stranger = self.sign_raw(&self.stranger_pem, ES256, &self.claims().to_string())?;
        let pair = self.pair()?;
        let der = pair.sign(&SystemRandom::new(), message.as_bytes())?;
        Ok(vec![
            ("another key", stranger),
            ("DER signature", resigned(der.as_ref())),
            ("r = s = 0", resigned(&[0; 64])),
            ("r at the order", resigned(&[&order[..], &one].concat())),
            ("s at the order", resigned(&[&one[..], &order].concat())),
            ("no signature", resigned(b"")),
            ("truncated", good[..good.len() - 4].to_owned()),
            ("a part too many", format!("{good}.x")),
            ("no token at all", "x".to_owned()),
        ])
    }

    fn bad_headers(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let claims = self.claims();
        let text = claims.to_string();
        let public = EncodingKey::from_secret(self.public_pem.as_bytes());
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?;
        let p384 = EncodingKey::from_ec_der(p384.to_pkcs8v1()?.as_ref());
        let own = |header: &str| self.sign_raw(&self.private_pem, header, &text);
        let stranger = |header: &str| self.sign_raw(&self.stranger_pem, header, &text);
        let elsewhere = |key: &str| {
            stranger(&json!({"alg": "ES256", key: "https://evil.example/keys"}).to_string())
        };
        let none = json!({"alg": "none"}).to_string();
        Ok(vec![
            ("alg none", own(&none)?),
            (
                "HS256 over the public PEM",
                encode(&Header::new(Algorithm::HS256), &claims, &public)?,
            ),
            (
                "ES384",
                encode(&Header::new(Algorithm::ES384), &claims, &p384)?,
            ),
            ("RS256", own(r#"{"alg":"RS256"}"#)?),
            ("jwk", stranger(&self.header_with_key()?)?),
            ("jku", elsewhere("jku")?),
            ("x5u", elsewhere("x5u")?),
            ("crit", own(r#"{"alg":"ES256","crit":["exp"]}"#)?),
        ])
    }

    fn bad_claims(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let now = self.now;
        let raw = |claims: String| self.sign_raw(&self.private_pem, ES256, &claims);
        let audience = self.audience;
        let other = if audience == "offer" {
            "discovery"
        } else {
            "offer"
        };
        Ok(vec![
            ("no exp", self.with("exp", Value::Null)?),
            (
                "exp as text",
                self.with("exp", (now + 600).to_string().into())?,
            ),
            (
                "exp as a fraction",
                raw(format!(r#"{{"aud":"{audience}","exp":{}.5}}"#, now + 600))?,
            ),
            (
                "exp out of bounds",
                raw(format!(r#"{{"aud":"{audience}","exp":1e400}}"#))?,
            ),
            ("exp past", self.with("exp", (now - 600).into())?),
            // A second more than the leeway, which only grows.
            ("exp beyond the leeway", self.with("exp", (now - 6).into())?),
            ("nbf as text", self.with("nbf", "0".into())?),
            ("nbf future", self.with("nbf", (now + 600).into())?),
            ("no aud", self.with("aud", Value::Null)?),
            ("aud of the other service", self.with("aud", other.into())?),
            (
                "exp twice",
                raw(format!(
                    r#"{{"aud":"{audience}","exp":1,"exp":{}}}"#,
                    now + 600
                ))?,
            ),
            ("10 kB", self.with("sub", "a".repeat(10_000).into())?),
        ])
    }

    /// A header that brings the stranger's own key along.
    fn header_with_key(&self) -> anyhow::Result<String> {
        let stranger = key_pair(&self.stranger_pem)?;
        // Uncompressed: 4, x, y.
        let (x, y) = stranger.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        Ok(json!({"alg": "ES256", "jwk": jwk}).to_string())
    }

    fn pair(&self) -> anyhow::Result<EcdsaKeyPair> {
        key_pair(&self.private_pem)
    }
}

const ES256: &str = r#"{"alg":"ES256"}"#;

fn key_pair(pem: &str) -> anyhow::Result<EcdsaKeyPair> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_pkcs8_der());
    pair.ok().context("no P-256 key")
}
