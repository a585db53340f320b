//! The driver takes a client's key as PKCS #1 alone; most files hold the same key inside PKCS #8.

use rustls_pki_types::PrivateKeyDer;

/// `AlgorithmIdentifier` of rsaEncryption without parameters' value (RFC 8017, appendix A.1).
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
];

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The key as PKCS #1 (RFC 8017), unless it is not RSA.
pub(super) fn pkcs1(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    match key {
        PrivateKeyDer::Pkcs1(key) => Some(key.secret_pkcs1_der().to_vec()),
        PrivateKeyDer::Pkcs8(key) => Some(inside_pkcs8(key.secret_pkcs8_der())?.to_vec()),
        _ => None,
    }
}

/// `SEQUENCE { INTEGER version, SEQUENCE algorithm, OCTET STRING key, … }` (RFC 5208).
fn inside_pkcs8(der: &[u8]) -> Option<&[u8]> {
    let (body, _) = element(der, SEQUENCE)?;
    let (_, rest) = element(body, INTEGER)?;
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (key, _) = element(rest, OCTET_STRING)?;
    algorithm.starts_with(RSA).then_some(key)
}

/// One DER element with this tag: its content, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    if length < 0x80 {
        return rest.split_at_checked(length.into());
    }
    let (length, rest) = rest.split_at_checked((length & 0x7f).into())?;
    let mut value = 0_usize;
    for &byte in length {
        value = value.checked_mul(256)?.checked_add(byte.into())?;
    }
    rest.split_at_checked(value)
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_RSA_SHA256};
    use rustls_pki_types::PrivatePkcs8KeyDer;

    use super::*;

    #[test]
    fn finds_the_rsa_key_inside_pkcs8() {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let wrapped = PrivatePkcs8KeyDer::from(pair.serialize_der());
        let bare = pkcs1(&wrapped.into()).unwrap();
        // RSAPrivateKey begins with its version, 0, and its modulus of 2048 bits.
        let (body, rest) = element(&bare, SEQUENCE).unwrap();
        assert!(rest.is_empty());
        let (version, rest) = element(body, INTEGER).unwrap();
        assert_eq!(version, [0]);
        let (modulus, _) = element(rest, INTEGER).unwrap();
        assert_eq!(modulus.len(), 257);
    }

    #[test]
    fn refuses_other_keys_and_damaged_ones() {
        let pair = KeyPair::generate().unwrap();
        let wrapped = PrivatePkcs8KeyDer::from(pair.serialize_der());
        assert_eq!(pkcs1(&wrapped.into()), None);

        let whole = KeyPair::generate_for(&PKCS_RSA_SHA256)
            .unwrap()
            .serialize_der();
        for length in 0..whole.len() {
            assert_eq!(inside_pkcs8(&whole[..length]), None, "{length}");
        }
        assert_eq!(element(&[SEQUENCE, 0xff], SEQUENCE), None);
        assert_eq!(
            element(&[SEQUENCE, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1], SEQUENCE),
            None
        );
    }
}
