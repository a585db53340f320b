use std::{fs, path::Path, time::Duration};

use rustls_pki_types::ServerName;
use switchgear_http::serve::{ServeConfig, ServeError, Server, TlsPaths};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::Instant};
use tokio_rustls::client::TlsStream;

use crate::{
    bench::{Bench, PATIENCE, config, read_to_end},
    identity::{Identity, identity},
};

#[tokio::test]
async fn refuses_a_broken_identity_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let (paths, _) = identity(folder.path(), "h2");
    let bind = |paths: &TlsPaths| {
        Server::bind(ServeConfig {
            tls: Some(paths.clone()),
            ..config()
        })
    };
    let good = std::fs::read_to_string(&paths.cert).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&paths.cert, format!("{good}{broken}")).unwrap();
    let error = bind(&paths).await.unwrap_err();
    assert!(
        matches!(error, ServeError::Certificate { position: 2, .. }),
        "{error}"
    );

    std::fs::write(&paths.cert, "nothing").unwrap();
    let error = bind(&paths).await.unwrap_err();
    assert!(
        matches!(
            error,
            ServeError::Pem {
                what: "a certificate",
                ..
            }
        ),
        "{error}"
    );

    let other = tempfile::tempdir().unwrap();
    let (foreign, _) = identity(other.path(), "h2");
    let mixed = TlsPaths {
        key: foreign.key,
        cert: paths.cert.clone(),
    };
    std::fs::write(&paths.cert, good).unwrap();
    let error = bind(&mixed).await.unwrap_err();
    assert!(matches!(error, ServeError::Identity { .. }), "{error}");
}

async fn bench_with(paths: TlsPaths) -> Bench {
    Bench::start(ServeConfig {
        tls: Some(paths),
        ..config()
    })
    .await
}

/// Shakes hands as one who believes `identity` alone.
async fn shake_hands(bench: &Bench, identity: &Identity) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let client = identity.client("http/1.1");
    client.connect(name, bench.connect().await).await
}

async fn wait_until_served(bench: &Bench, identity: &Identity) {
    let begun = Instant::now();
    while shake_hands(bench, identity).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "it is not taken up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn takes_up_a_renewal_whose_files_come_one_by_one_and_keeps_its_connections() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Identity::generate(), Identity::generate());
    let paths = old.write_to(folder.path());
    let bench = bench_with(paths.clone()).await;
    let mut before = shake_hands(&bench, &old).await.unwrap();
    let request = b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    before.write_all(request).await.unwrap();
    bench.wait_inside(1).await;

    rename_over(&paths.key, &new.key_pem);
    assert!(shake_hands(&bench, &old).await.is_ok(), "half is taken up");
    rename_over(&paths.cert, &new.cert_pem);
    wait_until_served(&bench, &new).await;
    assert!(shake_hands(&bench, &old).await.is_err());

    bench.gate.notify_waiters();
    let answer = read_to_end(&mut before).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

fn rename_over(path: &Path, content: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, content).unwrap();
    fs::rename(&beside, path).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn takes_up_a_folder_that_a_link_is_turned_to() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let identities = [Identity::generate(), Identity::generate()];
    for (name, identity) in ["1", "2"].into_iter().zip(&identities) {
        fs::create_dir(at(name)).unwrap();
        identity.write_to(&at(name));
    }
    let [old, new] = &identities;
    symlink("1", at("data")).unwrap();
    let bench = bench_with(TlsPaths {
        cert: at("data").join("cert.pem"),
        key: at("data").join("key.pem"),
    })
    .await;
    assert!(shake_hands(&bench, old).await.is_ok());
    symlink("2", at("next")).unwrap();
    fs::rename(at("next"), at("data")).unwrap();
    wait_until_served(&bench, new).await;
}
