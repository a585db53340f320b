use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bitcoin_hashes::{Hash as _, sha256};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PublicKeyData as _,
};

/// The authority's certificate, in the folder.
pub(crate) const AUTHORITY: &str = "authority.pem";
/// The certificate for `localhost`.
pub(crate) const CERTIFICATE: &str = "localhost.pem";
/// Its key.
pub(crate) const KEY: &str = "localhost-key.pem";

/// Makes an authority and its certificate for `localhost` in `folder`; gives the fingerprint by which Chromium can be
/// told to trust that one key: base64 of the SHA-256 of its public key.
pub(crate) fn make(folder: &Path) -> anyhow::Result<String> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "thrown away after the test");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(["localhost".to_owned()])?;
    // Clients that check strictly want to find the issuer's key by its identifier.
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &authority)?;

    fs::write(folder.join(AUTHORITY), authority.pem())?;
    fs::write(folder.join(CERTIFICATE), certificate.pem())?;
    fs::write(folder.join(KEY), key.serialize_pem())?;
    let fingerprint = sha256::Hash::hash(&key.subject_public_key_info());
    Ok(STANDARD.encode(fingerprint.as_ref() as &[u8]))
}
