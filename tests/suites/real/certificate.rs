//! A node behind a certificate of an authority, with the name that it is checked for.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use switchgear_tests::Lnd;

use crate::{
    is_long_or_skipped,
    stage::{Stage, backend},
};

/// The name that the certificate is for, which resolves to nothing: the connection goes to the URL's host.
const NAME: &str = "bob.example";

#[tokio::test]
async fn a_certificate_of_an_authority_is_checked_for_the_name_in_domain() -> anyhow::Result<()> {
    if !is_long_or_skipped() {
        return Ok(());
    }
    let Some(stage) = Stage::start(&[]).await? else {
        return Ok(());
    };
    let bob = &stage.regtest.bob;
    let authority = bob.tls_cert_path().with_file_name("authority.pem");
    serve_from_authority(bob, &authority).await?;

    stage
        .swgr
        .post(&described(bob, &authority, "carol.example"))
        .await?;
    let line = stage.logs(bob, "is unhealthy").await?;
    let reason = "is unhealthy: the node's certificate is for another name: configure its domain";
    assert!(line.ends_with(reason), "{line}");

    let address = format!("pk/{}", bob.public_key());
    let right = described(bob, &authority, NAME);
    stage
        .swgr
        .cli(&["discovery", "put", &address], &right)
        .await?;
    stage.ready(1).await?;
    assert_eq!(stage.invoice().await?.payee, bob.public_key());
    stage.end().await
}

fn described(node: &Lnd, authority: &Path, domain: &str) -> String {
    let more: Value = json!({
        "domain": domain,
        "auth": {
            "type": "path",
            "tlsCertPath": authority,
            "macaroonPath": node.admin_macaroon_path(),
        },
    });
    backend(node, &node.admin_macaroon_path(), more).to_string()
}

/// Restarts a node on a certificate that an authority issued, and writes the authority's own to `authority`.
async fn serve_from_authority(node: &Lnd, authority: &Path) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(authority, params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate()?;
    // By its address too, which `lncli` asks for.
    let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
    node.use_certificate(&certificate.pem(), &key.serialize_pem())
        .await
}
