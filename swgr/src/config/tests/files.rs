use std::fs;

use switchgear_core::ErrorChain;
use switchgear_http::auth::SigningKey;

use super::*;

#[test]
fn tells_every_file_that_cannot_be_used_and_none_of_a_service_that_is_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("public.pem"), SigningKey::generate().unwrap().public_pem).unwrap();
    fs::write(at("garbage.pem"), "garbage").unwrap();
    fs::write(at("empty.token"), " \n").unwrap();
    let text = format!(
        "\
lnurl-service: {{public-url: 'http://h', tls: {{cert-path: {here}/no.pem, key-path: {here}/no.pem}}}}
discovery-service:
  auth-authority: {here}/public.pem
  tls: {{cert-path: {here}/garbage.pem, key-path: {here}/missing.pem}}
offer-service:
  auth-authority: {here}/garbage.pem
store:
  discover: {{type: http, base-url: 'http://h', authorization: {here}/empty.token}}
  offer: {{type: http, base-url: 'http://h', authorization: {here}/public.pem}}
",
        here = folder.path().display()
    );
    let path = at("swgr.yaml");
    fs::write(&path, text).unwrap();
    let services = [ServiceKind::Discovery, ServiceKind::Offer]
        .into_iter()
        .collect();
    let error = Config::load(&path, &Scope::Services(services), &env).unwrap_err();
    let ConfigError::Invalid { problems, .. } = error else {
        panic!("{error}");
    };
    let told: Vec<_> = problems
        .iter()
        .map(|problem| {
            (
                problem.at.line,
                problem.key.as_str(),
                problem.hint.is_some(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (4, "discovery-service.tls.cert-path", true),
            (4, "discovery-service.tls.key-path", true),
            (6, "offer-service.auth-authority", true),
            (8, "store.discover.authorization", true),
        ]
    );
    assert!(problems[0].message.ends_with("holds no PEM certificate"));
    assert!(problems[1].message.contains("cannot be read: No such file"));
    assert!(problems[2].message.contains("no PEM public key"));
    assert!(problems[3].message.contains("is empty"));
}

#[test]
fn names_a_configuration_that_cannot_be_read() {
    let error = Config::load(Path::new("/nonexistent/swgr.yaml"), &all(), &env).unwrap_err();
    let text = ErrorChain(&error).to_string();
    assert!(
        text.starts_with("reading configuration /nonexistent/swgr.yaml: No such file"),
        "{text}"
    );
}

#[test]
fn finds_a_key_that_is_not_its_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (key, other) = (
        rcgen::KeyPair::generate().unwrap(),
        rcgen::KeyPair::generate().unwrap(),
    );
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(at("cert.pem"), certificate.pem()).unwrap();
    fs::write(at("key.pem"), key.serialize_pem()).unwrap();
    fs::write(at("other.pem"), other.serialize_pem()).unwrap();
    let path = at("swgr.yaml");
    let load = |key: &str| {
        let text = format!(
            "\
lnurl-service:
  public-url: http://h
  tls:
    cert-path: {here}/cert.pem
    key-path: {here}/{key}
store: {{discover: {{type: memory}}, offer: {{type: memory}}}}
",
            here = folder.path().display()
        );
        fs::write(&path, text).unwrap();
        Config::load(&path, &Scope::Present, &env)
    };
    assert!(load("key.pem").is_ok());
    let here = folder.path().display();
    assert_eq!(
        load("other.pem").unwrap_err().to_string(),
        format!(
            "{here}/swgr.yaml:5:15: lnurl-service.tls.key-path: {here}/other.pem is not the key of \
             the certificate in {here}/cert.pem (hint: the path of a PEM file of the \
             certificate's private key)"
        )
    );
}
