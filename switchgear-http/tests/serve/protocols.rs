use http::{StatusCode, Version};
use rustls_pki_types::ServerName;
use switchgear_http::serve::{ServeConfig, ServeError, Server};
use tokio::io::AsyncWriteExt as _;

use crate::{
    bench::{Bench, config, get, http2, read_to_end, read_until},
    identity::identity,
};

#[tokio::test]
async fn speaks_http_1_and_2_in_plain_text_and_tells_the_peer() {
    let bench = Bench::start(config()).await;
    let mut stream = bench.connect().await;
    let peer = stream.local_addr().unwrap().to_string();
    for path in ["/one", "/two"] {
        stream.write_all(get(path).as_bytes()).await.unwrap();
        let answer = read_until(&mut stream, &peer).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("{path} {peer}")), "{answer}");
    }
    let (status, version, body) = http2(bench.connect().await, "/three").await;
    assert_eq!((status, version), (StatusCode::OK, Version::HTTP_2));
    assert!(body.starts_with(b"/three 127.0.0.1:"));
}

#[tokio::test]
async fn speaks_both_protocols_over_tls() {
    for protocol in ["h2", "http/1.1"] {
        let folder = tempfile::tempdir().unwrap();
        let (paths, client) = identity(folder.path(), protocol);
        let bench = Bench::start(ServeConfig {
            tls: Some(paths),
            ..config()
        })
        .await;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = client.connect(name, bench.connect().await).await.unwrap();
        let chosen = stream.get_ref().1.alpn_protocol();
        assert_eq!(chosen, Some(protocol.as_bytes()));
        if protocol == "h2" {
            assert_eq!(http2(stream, "/x").await.0, StatusCode::OK);
        } else {
            let request = "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).await.unwrap();
            assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 200"));
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_an_error_unless_it_is_to_be_reused() {
    let shared = ServeConfig {
        reuse_port: true,
        ..config()
    };
    let first = Server::bind(shared.clone()).await.unwrap();
    let address = first.local_addr();
    let taken = Server::bind(ServeConfig {
        address,
        ..config()
    })
    .await
    .unwrap_err();
    assert!(
        matches!(taken, ServeError::Bind { address: at, .. } if at == address),
        "{taken}"
    );
    Server::bind(ServeConfig { address, ..shared })
        .await
        .unwrap();
}
