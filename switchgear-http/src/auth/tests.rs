use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::*;
use crate::body::Body;

/// A key pair, its authority for discovery, and a clock.
struct Bench {
    pair: KeyPair,
    authority: Authority,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        let pair = SigningKey::generate().unwrap();
        let authority =
            Authority::from_pem(pair.public_pem.as_bytes(), Audience::Discovery).unwrap();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        Self {
            pair,
            authority,
            now,
        }
    }

    fn good_claims(&self) -> Value {
        json!({"aud": "discovery", "exp": self.now + 600})
    }

    fn encoding_key(&self) -> EncodingKey {
        EncodingKey::from_ec_pem(self.pair.private_pem.as_bytes()).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&Header::new(Algorithm::ES256), claims, &self.encoding_key()).unwrap()
    }

    /// Signs exactly these bytes, whatever they say.
    fn sign_raw(&self, header: &str, claims: &str) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.encoding_key(), Algorithm::ES256)
                .unwrap();
        format!("{message}.{signature}")
    }

    /// A header that brings the very key that the token is signed with.
    fn header_with_own_key(&self) -> String {
        let pkcs8 = self.pkcs8();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.secret_pkcs8_der())
                .unwrap();
        // Uncompressed: 4, x, y.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({"alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}}).to_string()
    }

    fn with(&self, field: &str, value: Value) -> String {
        let mut claims = self.good_claims();
        claims[field] = value;
        self.sign(&claims)
    }

    fn without(&self, field: &str) -> String {
        let mut claims = self.good_claims();
        claims.as_object_mut().unwrap().remove(field);
        self.sign(&claims)
    }

    fn pkcs8(&self) -> PrivatePkcs8KeyDer<'static> {
        PrivatePkcs8KeyDer::from_pem_slice(self.pair.private_pem.as_bytes()).unwrap()
    }
}

fn resign(token: &str, signature: &[u8]) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn es384(claims: &Value) -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    encode(&Header::new(Algorithm::ES384), claims, &key).unwrap()
}

fn der_signed(bench: &Bench, token: &str) -> String {
    let pkcs8 = bench.pkcs8();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.secret_pkcs8_der())
        .unwrap();
    let (message, _) = token.rsplit_once('.').unwrap();
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    resign(token, signature.as_ref())
}

/// Tokens that no service may take, each with the trick that it tries.
fn bad_tokens(bench: &Bench) -> Vec<(&'static str, String)> {
    let good = bench.sign(&bench.good_claims());
    let claims = bench.good_claims().to_string();
    let public = bench.pair.public_pem.as_bytes();
    let hs256 = encode(
        &Header::new(Algorithm::HS256),
        &bench.good_claims(),
        &EncodingKey::from_secret(public),
    )
    .unwrap();
    let stranger = Bench::new();
    let raw = |claims: &str| bench.sign_raw(r#"{"alg":"ES256"}"#, claims);
    let stranger_header = |field: &str| {
        let header = format!(r#"{{"alg":"ES256","{field}":"https://evil.example/keys"}}"#);
        stranger.sign_raw(&header, &claims)
    };
    let (head, rest) = good.split_once('.').unwrap();
    let none = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), rest);
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let past_order = order.unwrap().repeat(2);
    let exp = bench.now + 600;
    vec![
        ("empty", String::new()),
        ("no jwt", "x".to_owned()),
        (
            "two parts",
            format!("{head}.{}", rest.split('.').next().unwrap()),
        ),
        ("four parts", format!("{good}.x")),
        ("truncated", good[..good.len() - 4].to_owned()),
        ("alg none", none.clone()),
        ("alg none, unsigned", resign(&none, b"")),
        ("HS256 over the public PEM", hs256),
        ("ES384", es384(&bench.good_claims())),
        ("another key", stranger.sign(&bench.good_claims())),
        ("DER signature", der_signed(bench, &good)),
        ("r = s = 0", resign(&good, &[0; 64])),
        ("r and s at the order", resign(&good, &past_order)),
        (
            "jwk",
            stranger.sign_raw(&stranger.header_with_own_key(), &claims),
        ),
        ("jku", stranger_header("jku")),
        ("x5u", stranger_header("x5u")),
        (
            "crit",
            bench.sign_raw(r#"{"alg":"ES256","crit":["exp"]}"#, &claims),
        ),
        ("no exp", bench.without("exp")),
        ("exp as text", bench.with("exp", json!(exp.to_string()))),
        (
            "exp as a fraction",
            raw(&format!(r#"{{"aud":"discovery","exp":{exp}.5}}"#)),
        ),
        (
            "exp out of bounds",
            raw(r#"{"aud":"discovery","exp":1e400}"#),
        ),
        ("exp negative", bench.with("exp", json!(-1))),
        ("exp past", bench.with("exp", json!(bench.now - 60))),
        (
            "exp beyond the leeway",
            bench.with("exp", json!(bench.now - 6)),
        ),
        ("nbf as text", bench.with("nbf", json!("0"))),
        ("nbf future", bench.with("nbf", json!(bench.now + 60))),
        ("no aud", bench.without("aud")),
        ("wrong aud", bench.with("aud", json!("offer"))),
        ("aud without ours", bench.with("aud", json!(["offer", "x"]))),
        ("aud as a number", bench.with("aud", json!(1))),
        (
            "exp twice",
            raw(&format!(r#"{{"aud":"discovery","exp":1,"exp":{exp}}}"#)),
        ),
        ("claims no object", raw("[]")),
        // Good in all but its length.
        ("9 kB", bench.with("sub", json!("a".repeat(9_000)))),
        ("1 MiB", bench.with("sub", json!("a".repeat(1 << 20)))),
    ]
}

#[test]
fn takes_a_good_token_and_gives_its_claims() {
    let bench = Bench::new();
    let key = SigningKey::from_pem(bench.pair.private_pem.as_bytes()).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(bench.now);
    let token = key
        .mint(Audience::Discovery, Duration::from_secs(90), now)
        .unwrap();
    let claims = bench.authority.verify(&token).unwrap();
    assert_eq!(claims.exp, bench.now + 90);
    assert!(claims.is_for(Audience::Discovery) && !claims.is_for(Audience::Offer));

    for token in [
        bench.with("aud", json!(["x", "discovery"])),
        bench.with("nbf", json!(bench.now)),
        bench.with("sub", json!("alice")),
        bench.with("exp", json!(u64::MAX)),
        bench.sign_raw(
            r#"{"alg":"ES256","kid":"x","jku":"https://evil.example","x5u":"https://evil.example"}"#,
            &bench.good_claims().to_string(),
        ),
    ] {
        assert!(bench.authority.verify(&token).is_ok(), "{token}");
    }
}

#[test]
fn refuses_every_bad_token() {
    let bench = Bench::new();
    for (trick, token) in bad_tokens(&bench) {
        assert!(bench.authority.verify(&token).is_err(), "{trick}");
    }
}

#[test]
fn tells_bad_from_expired_from_foreign_within_the_leeway() {
    let bench = Bench::new();
    let token = bench.sign(&bench.good_claims());
    let at = |seconds: u64| {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(bench.now + seconds);
        bench.authority.verify_at(&token, now)
    };
    assert!(at(604).is_ok());
    assert!(matches!(at(605), Err(TokenError::Expired)));

    let expired = bench.with("exp", json!(1));
    let foreign = bench.with("aud", json!("offer"));
    let premature = bench.with("nbf", json!(bench.now + 100));
    let stranger = Bench::new().sign(&bench.good_claims());
    let verify = |token: &str| bench.authority.verify(token).unwrap_err();
    assert!(matches!(verify(&expired), TokenError::Expired));
    assert!(matches!(verify(&foreign), TokenError::Foreign));
    assert!(matches!(verify(&premature), TokenError::Premature));
    assert!(matches!(verify(&stranger), TokenError::Bad(_)));
}

#[test]
fn believes_each_key_of_a_rotation_and_none_after_its_end() {
    let (old, new) = (Bench::new(), Bench::new());
    let both = format!("{}{}", old.pair.public_pem, new.pair.public_pem);
    let authority = Authority::from_pem(both.as_bytes(), Audience::Discovery).unwrap();
    let tokens = [&old, &new].map(|bench| bench.sign(&bench.good_claims()));
    let shared = SharedAuthority::new(authority);
    assert!(
        tokens
            .iter()
            .all(|token| shared.current().verify(token).is_ok())
    );

    shared.replace(new.authority.clone());
    assert!(shared.current().verify(&tokens[0]).is_err());
    assert!(shared.current().verify(&tokens[1]).is_ok());
}

#[test]
fn refuses_keys_that_are_no_p256_keys() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let p384 = pem::encode(&pem::Pem::new(
        "PRIVATE KEY",
        pair.to_pkcs8v1().unwrap().as_ref(),
    ));
    assert!(matches!(
        SigningKey::from_pem(p384.as_bytes()),
        Err(KeyError::NotP256("PRIVATE KEY"))
    ));
    let junk = pem::encode(&pem::Pem::new("PUBLIC KEY", [0_u8; 91]));
    assert!(matches!(
        Authority::from_pem(junk.as_bytes(), Audience::Offer),
        Err(KeyError::NotP256("PUBLIC KEY"))
    ));
    let bench = Bench::new();
    assert!(matches!(
        Authority::from_pem(bench.pair.private_pem.as_bytes(), Audience::Offer),
        Err(KeyError::Missing("PUBLIC KEY"))
    ));
    assert!(matches!(
        SigningKey::from_pem(b"no pem at all"),
        Err(KeyError::Missing("PRIVATE KEY"))
    ));
}

#[test]
fn shows_no_private_key() {
    let bench = Bench::new();
    let key = SigningKey::from_pem(bench.pair.private_pem.as_bytes()).unwrap();
    let shown = format!("{key:?} {:?} {:?}", bench.pair, bench.authority);
    let secret = bench.pair.private_pem.lines().nth(1).unwrap();
    assert!(!shown.contains(secret), "{shown}");
}

/// Sends a request with these `Authorization` headers through the layer.
async fn send(bench: &Bench, path: &str, authorization: &[String]) -> (u16, String, Vec<u8>) {
    let inner = service_fn(|request: Request<Body>| async move {
        let claims = request.extensions().get::<std::sync::Arc<Claims>>();
        let sub = claims.and_then(|claims| claims.sub.clone());
        Ok::<_, Infallible>(Response::new(Body::from(sub.unwrap_or_default())))
    });
    let service = BearerLayer::new(bench.authority.clone(), "discovery").layer(inner);
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    for value in authorization {
        let value = value.parse().unwrap();
        request.headers_mut().append(header::AUTHORIZATION, value);
    }
    let response = service.oneshot(request).await.unwrap();
    let challenge = response.headers().get(header::WWW_AUTHENTICATE);
    let challenge = challenge
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, challenge, body.to_vec())
}

#[tokio::test]
async fn lets_good_tokens_and_open_paths_through() {
    let bench = Bench::new();
    let token = bench.with("sub", json!("alice"));
    for scheme in ["Bearer", "bearer", "BEARER "] {
        let sent = [format!("{scheme} {token}")];
        let (status, _, body) = send(&bench, "/discovery", &sent).await;
        assert_eq!((status, body.as_slice()), (200, b"alice".as_slice()));
    }
    assert_eq!(send(&bench, "/health", &[]).await.0, 200);
}

#[tokio::test]
async fn refuses_all_else_with_one_body() {
    const MISSING: &str = r#"Bearer realm="discovery""#;
    const INVALID: &str = r#"Bearer realm="discovery", error="invalid_token""#;

    let bench = Bench::new();
    let good = bench.sign(&bench.good_claims());
    let (status, challenge, expected) = send(&bench, "/discovery", &[]).await;
    assert_eq!((status, challenge.as_str()), (401, MISSING));

    let in_query = format!("/discovery?access_token={good}");
    for (path, sent) in [
        (in_query.as_str(), None),
        ("/nothing", None),
        ("/health/", None),
        ("/health/full", None),
        ("/%68ealth", None),
        ("/discovery", Some(format!("Basic {good}"))),
        ("/discovery", Some(good.clone())),
    ] {
        let sent: Vec<_> = sent.into_iter().collect();
        let (status, challenge, body) = send(&bench, path, &sent).await;
        assert_eq!((status, challenge.as_str()), (401, MISSING), "{path}");
        assert_eq!(body, expected);
    }

    let twice = vec![format!("Bearer {good}"), format!("Bearer {good}")];
    let mut refused = vec![("two headers", twice)];
    for (trick, token) in bad_tokens(&bench) {
        refused.push((trick, vec![format!("Bearer {token}")]));
    }
    for (trick, sent) in refused {
        let (status, challenge, body) = send(&bench, "/discovery", &sent).await;
        assert_eq!((status, challenge.as_str()), (401, INVALID), "{trick}");
        assert_eq!(body, expected, "{trick}");
    }
}
