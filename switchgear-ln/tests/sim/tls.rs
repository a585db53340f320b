//! Whose certificate is accepted: the file's own, or one that it signed, with the right name.

use std::{error::Error as _, fs};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use switchgear_core::ln::{LnError, LnErrorKind};
use switchgear_ln::sim::SimCertificate;

use crate::common::{Fixture, bounded};

const FOREIGN: &str = "the node's certificate is not the configured one, nor signed by it";
const OTHER_NAME: &str = "the node's certificate is for another name: configure its domain";

/// A certificate and its key, both in PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    /// Shows it with its own key, or with that of another.
    fn shown_with(&self, key: &str) -> SimCertificate {
        SimCertificate::from_pem(&self.certificate, key).unwrap()
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn self_signed(params: &CertificateParams) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity {
        certificate: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn signed_by(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity {
        certificate: params(name).signed_by(&key, authority).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn assert_tls(error: &LnError, message: &str) {
    assert_eq!(error.kind(), LnErrorKind::Tls);
    assert_eq!(error.to_string(), message);
    assert!(error.source().is_some());
}

#[tokio::test]
async fn accepts_lnds_own_certificate_under_any_name() {
    let alice = Fixture::start().await;
    bounded(alice.client().status()).await.unwrap();
    let client = alice.client_of_domain("some.other.name");
    bounded(client.status()).await.unwrap();
}

#[tokio::test]
async fn refuses_another_certificate_of_the_same_name() {
    let alice = Fixture::start().await;
    alice.node.present(SimCertificate::self_signed().unwrap());
    let error = bounded(alice.client().status()).await.unwrap_err();
    assert_tls(&error, FOREIGN);
    assert_eq!(alice.node.calls(), 0);
}

#[tokio::test]
async fn refuses_a_foreign_certificate() {
    let alice = Fixture::start().await;
    let foreign = self_signed(&params("localhost"));
    alice.node.present(foreign.shown_with(&foreign.key));
    let error = bounded(alice.client().status()).await.unwrap_err();
    assert_tls(&error, FOREIGN);
    assert_eq!(alice.node.calls(), 0);
}

#[tokio::test]
async fn refuses_the_pinned_certificate_outside_its_dates() {
    let alice = Fixture::start().await;
    for (from, until, message) in [
        (2000, 2001, "the node's certificate has expired"),
        (2900, 2901, "the node's certificate is not valid yet"),
    ] {
        let mut params = params("localhost");
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let identity = self_signed(&params);
        fs::write(alice.node.tls_cert_path(), &identity.certificate).unwrap();
        alice.node.present(identity.shown_with(&identity.key));
        let error = bounded(alice.client().status()).await.unwrap_err();
        assert_tls(&error, message);
    }
    assert_eq!(alice.node.calls(), 0);
}

#[tokio::test]
async fn refuses_who_shows_the_pinned_certificate_without_its_key() {
    let alice = Fixture::start().await;
    let identity = self_signed(&params("localhost"));
    let impostor = KeyPair::generate().unwrap().serialize_pem();
    fs::write(alice.node.tls_cert_path(), &identity.certificate).unwrap();
    alice.node.present(identity.shown_with(&impostor));
    let error = bounded(alice.client().status()).await.unwrap_err();
    assert_tls(
        &error,
        "the node does not own the certificate that it presents",
    );
    assert_eq!(alice.node.calls(), 0);

    alice.node.present(identity.shown_with(&identity.key));
    bounded(alice.client().status()).await.unwrap();
}

#[tokio::test]
async fn accepts_a_certificate_that_the_files_authority_signed_for_the_right_name_only() {
    let alice = Fixture::start().await;
    let authority = authority();
    let identity = signed_by(&authority, "lnd.local");
    fs::write(alice.node.tls_cert_path(), authority.pem()).unwrap();
    alice.node.present(identity.shown_with(&identity.key));

    bounded(alice.client_of_domain("lnd.local").status())
        .await
        .unwrap();
    let error = bounded(alice.client_of_domain("other.local").status())
        .await
        .unwrap_err();
    assert_tls(&error, OTHER_NAME);
    let error = bounded(alice.client().status()).await.unwrap_err();
    assert_tls(&error, OTHER_NAME);
    assert_eq!(alice.node.calls(), 2);
}

#[tokio::test]
async fn refuses_a_certificate_of_another_authority() {
    let alice = Fixture::start().await;
    let identity = signed_by(&authority(), "lnd.local");
    fs::write(alice.node.tls_cert_path(), authority().pem()).unwrap();
    alice.node.present(identity.shown_with(&identity.key));
    let error = bounded(alice.client_of_domain("lnd.local").status())
        .await
        .unwrap_err();
    assert_tls(&error, FOREIGN);
    assert_eq!(alice.node.calls(), 0);
}
