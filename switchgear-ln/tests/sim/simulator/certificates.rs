//! What nodes show and ask for: faults of certificates, files, and new ones.

use switchgear_core::ln::LnErrorKind;
use switchgear_ln::sim::{FaultKind, SimCertificate, SimNodeConfig, SimNodeKind};

use super::Sim;
use crate::common::{healed, request};

#[tokio::test]
async fn fails_handshakes_in_three_ways() {
    for (written, kind, words) in [
        (
            "tls-alert",
            FaultKind::TlsAlert,
            "the node refused the TLS handshake: AccessDenied",
        ),
        (
            "expired-certificate",
            FaultKind::ExpiredCertificate,
            "the node's certificate has expired",
        ),
        (
            "swapped-certificate",
            FaultKind::SwappedCertificate,
            "the node's certificate is not the configured one, nor signed by it",
        ),
    ] {
        for sim in Sim::both().await {
            sim.invoice().await.unwrap();
            sim.fail(written).await;
            // The first call may still meet the old connection's end.
            let _ = sim.invoice().await;
            let refused = sim.refused().await;
            assert_eq!(refused, (LnErrorKind::Tls, words.to_owned()), "{written}");
            assert!(sim.felt(kind) > 0);
            assert_eq!(sim.node.counters().handshakes, 1);
            sim.heals().await;
        }
    }
}

#[tokio::test]
async fn keeps_the_certificate_that_was_there_before_it_expired() {
    let lnd = Sim::start(SimNodeKind::Lnd).await;
    let path = lnd.node.tls_cert_path();
    let before = std::fs::read(&path).unwrap();
    for _ in 0..2 {
        lnd.fail("expired-certificate").await;
        assert_ne!(std::fs::read(&path).unwrap(), before);
    }
    lnd.heals().await;
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn leaves_the_expired_certificate_in_its_file_when_it_writes_the_others() {
    for late in [false, true] {
        let lnd = Sim::with(SimNodeKind::Lnd, |config| SimNodeConfig {
            late_credentials: late,
            ..config
        })
        .await;
        lnd.fail("expired-certificate").await;
        lnd.node.write_credentials().unwrap();
        let (kind, words) = lnd.refused().await;
        assert_eq!(kind, LnErrorKind::Tls);
        assert_eq!(words, "the node's certificate has expired");
        assert_eq!(lnd.felt(FaultKind::ExpiredCertificate), 1);
        lnd.heals().await;
    }
}

#[tokio::test]
async fn fails_by_its_certificate_no_more_once_it_shows_another() {
    for sim in Sim::both().await {
        for written in ["expired-certificate", "swapped-certificate"] {
            sim.fail(written).await;
            let (kind, _) = sim.refused().await;
            assert_eq!(kind, LnErrorKind::Tls, "{written}");
            let felt = sim.node.faults_served();
            sim.node.rotate_certificate().unwrap();
            assert_eq!(sim.node.fault(), None);
            let rotated = std::fs::read(sim.node.tls_cert_path()).unwrap();
            healed(&*sim.client).await;
            assert_eq!(sim.node.faults_served(), felt, "{written}");
            sim.heals().await;
            let file = std::fs::read(sim.node.tls_cert_path()).unwrap();
            assert!(file == rotated, "{written}");
        }
    }
}

#[tokio::test]
async fn presents_a_certificate_in_the_place_of_an_expired_one() {
    let lnd = Sim::start(SimNodeKind::Lnd).await;
    let path = lnd.node.tls_cert_path();
    let before = std::fs::read(&path).unwrap();
    lnd.fail("expired-certificate").await;
    let certificate = SimCertificate::self_signed().unwrap();
    lnd.node.present(certificate.clone());
    assert!(std::fs::read(&path).unwrap() == before);
    std::fs::write(&path, certificate.pem()).unwrap();
    lnd.invoice().await.unwrap();
    assert_eq!(lnd.felt(FaultKind::ExpiredCertificate), 0);
    lnd.heals().await;
    assert!(std::fs::read(&path).unwrap() == certificate.pem().as_bytes());
}

#[tokio::test]
async fn refuses_handshakes_with_whatever_certificate() {
    for sim in Sim::both().await {
        sim.fail("tls-alert").await;
        sim.node.rotate_certificate().unwrap();
        let (kind, _) = sim.refused().await;
        assert_eq!(kind, LnErrorKind::Tls);
        assert_eq!(sim.felt(FaultKind::TlsAlert), 1);
        sim.heals().await;
    }
}

#[tokio::test]
async fn shuts_out_who_has_another_nodes_certificate() {
    let [_, cln] = Sim::both().await;
    let other = Sim::start(SimNodeKind::Cln).await;
    for name in ["client.pem", "client-key.pem"] {
        let foreign = other.directory.path().join(name);
        std::fs::copy(foreign, cln.directory.path().join(name)).unwrap();
    }
    let (kind, _) = cln.refused().await;
    assert_ne!(kind, LnErrorKind::Credentials);
    assert_eq!(cln.node.counters().handshakes, 0);
    assert!(cln.node.connections() > 0);
    cln.node.write_credentials().unwrap();
    cln.heals().await;
}

#[tokio::test]
async fn goes_on_with_renewed_credentials() {
    for sim in Sim::both().await {
        sim.invoice().await.unwrap();
        sim.node.rotate_certificate().unwrap();
        sim.node.restart().await.unwrap();
        sim.heals().await;
        let invoice = sim.invoice().await.unwrap();
        invoice.verify(&request(), &sim.expectation()).unwrap();
    }
    let [lnd, cln] = Sim::both().await;
    lnd.node.rotate_macaroon().unwrap();
    lnd.invoice().await.unwrap();
    let error = cln.node.rotate_macaroon().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}

#[tokio::test]
async fn has_no_credentials_until_it_writes_them() {
    for kind in [SimNodeKind::Lnd, SimNodeKind::Cln] {
        let sim = Sim::with(kind, SimNodeConfig::with_late_credentials).await;
        let (found, _) = sim.refused().await;
        assert_eq!(found, LnErrorKind::Credentials);
        assert!(!sim.node.credential_paths().iter().any(|path| path.exists()));
        sim.node.write_credentials().unwrap();
        sim.heals().await;
    }
}
