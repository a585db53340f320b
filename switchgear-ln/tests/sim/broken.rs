//! Servers that are no node: what answers on a node's port, and speaks no gRPC, or breaks HTTP/2.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{HeaderMap, Response};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use switchgear_core::ln::{Blame, LnClient, LnError, LnErrorKind};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::common::{bounded, client, foreign_macaroon, partition, request};

const DATA_OF_NO_STREAM: [u8; 10] = [0, 0, 1, 0, 0, 0, 0, 0, 0, b'x'];

/// The first stream is the last that was taken; the reason is ENHANCE_YOUR_CALM.
const GO_AWAY_TAKEN: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 11];

/// How each call is met.
#[derive(Debug, Clone, Copy)]
enum Script {
    /// As a proxy that knows nothing of the path.
    Http(u16),
    /// An empty message, and no trailers.
    NoTrailers,
    /// A message that is compressed, and does not say how.
    Compressed,
    /// In an encoding that nobody asked for.
    Encoded,
    /// Half a message.
    Half,
    /// No message.
    Nothing,
    /// A frame that HTTP/2 forbids: data of no stream (RFC 9113, 6.1).
    Forbidden,
    /// A GOAWAY that says that the call was taken, and the connection's end (RFC 9113, 6.8).
    GoAwayTaken,
}

struct Server {
    client: Arc<dyn LnClient>,
    calls: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    async fn start(script: Script) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = directory.path().join("tls.cert");
        let macaroon = directory.path().join("admin.macaroon");
        fs::write(&certificate, certified.cert.pem()).unwrap();
        fs::write(&macaroon, foreign_macaroon("x")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let backend = serde_json::json!({
            "address": {"url": "https://broken.example.com"},
            "partitions": [partition()],
            "weight": 1,
            "enabled": true,
            "implementation": {
                "type": "lndGrpc",
                "url": format!("https://127.0.0.1:{port}"),
                "domain": "localhost",
                "ampInvoice": false,
                "auth": {"type": "path", "tlsCertPath": certificate, "macaroonPath": macaroon},
            },
        });
        let tls = TlsAcceptor::from(Arc::new(tls(&certified)));
        let calls = Arc::new(AtomicUsize::new(0));
        Self {
            client: client(&serde_json::from_value(backend).unwrap()),
            serving: tokio::spawn(serve(listener, tls, script, Arc::clone(&calls))),
            calls,
            _directory: directory,
        }
    }

    async fn error(&self) -> LnError {
        bounded(self.client.invoice(&request())).await.unwrap_err()
    }
}

fn tls(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, script: Script, calls: Arc<AtomicUsize>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let Ok(mut stream) = tls.accept(tcp).await else {
            continue;
        };
        // An error is the client's hanging up.
        let _ = match script {
            Script::Forbidden => forbidden(stream, &calls).await,
            Script::GoAwayTaken => raw(&mut stream, &GO_AWAY_TAKEN, &calls).await,
            _ => answer(stream, script, &calls)
                .await
                .map_err(io::Error::other),
        };
    }
}

async fn answer(
    stream: TlsStream<TcpStream>,
    script: Script,
    calls: &AtomicUsize,
) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(call) = connection.accept().await {
        let (_, mut respond) = call?;
        calls.fetch_add(1, Ordering::SeqCst);
        let head = Response::builder().header("content-type", "application/grpc");
        let (head, message): (_, &'static [u8]) = match script {
            Script::Http(status) => (head.status(status), b""),
            Script::Encoded => (head.header("grpc-encoding", "gzip"), &[0; 5]),
            Script::Compressed => (head, &[1, 0, 0, 0, 0]),
            Script::Half => (head, &[0, 0, 0, 0, 9, 1]),
            Script::Nothing => (head, b""),
            Script::NoTrailers | Script::Forbidden | Script::GoAwayTaken => (head, &[0; 5]),
        };
        let ends = matches!(script, Script::Http(_) | Script::NoTrailers | Script::Half);
        let mut body = respond.send_response(head.body(()).unwrap(), false)?;
        body.send_data(message.into(), ends)?;
        if !ends {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            body.send_trailers(trailers)?;
        }
    }
    Ok(())
}

async fn forbidden(mut stream: TlsStream<TcpStream>, calls: &AtomicUsize) -> io::Result<()> {
    raw(&mut stream, &DATA_OF_NO_STREAM, calls).await?;
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

/// Waits for the headers of a call, and sends `frame`.
async fn raw(
    stream: &mut TlsStream<TcpStream>,
    frame: &[u8],
    calls: &AtomicUsize,
) -> io::Result<()> {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const HEADERS: u8 = 1;

    stream.write_all(&SETTINGS).await?;
    stream.read_exact(&mut [0; 24]).await?;
    let mut kind = 0;
    while kind != HEADERS {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [high, middle, low, found, ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await?;
        kind = found;
    }
    calls.fetch_add(1, Ordering::SeqCst);
    stream.write_all(frame).await
}

#[tokio::test]
async fn blames_the_node_for_what_is_no_answer() {
    for (script, words) in [
        (
            Script::Http(404),
            "the node does not answer gRPC but HTTP status 404",
        ),
        (
            Script::Http(401),
            "the node does not answer gRPC but HTTP status 401",
        ),
        (
            Script::NoTrailers,
            "the node's answer ends without a gRPC status: is a proxy in between?",
        ),
        (Script::Compressed, "the node's answer is no gRPC message"),
        (
            Script::Encoded,
            "the node's answer is compressed, which was not asked for",
        ),
        (
            Script::Half,
            "the node's answer ends in the middle of a message",
        ),
        (Script::Nothing, "the node's answer holds no message"),
    ] {
        let server = Server::start(script).await;
        let error = server.error().await;
        assert_eq!(error.to_string(), words, "{script:?}");
        assert_eq!(server.calls.load(Ordering::SeqCst), 1, "{script:?}");
        let found = (error.kind(), error.blame());
        assert_eq!(found, (LnErrorKind::Protocol, Blame::Node), "{script:?}");
    }
}

#[tokio::test]
async fn tells_a_node_that_breaks_http2_from_one_that_is_gone() {
    let error = Server::start(Script::Forbidden).await.error().await;
    let found = (error.kind(), error.blame());
    assert_eq!(found, (LnErrorKind::Protocol, Blame::Node), "{error}");
    assert_eq!(
        error.to_string(),
        "the node breaks HTTP/2: unspecific protocol error detected"
    );
}

#[tokio::test]
async fn makes_no_call_again_that_a_node_took_before_it_went_away() {
    let server = Server::start(Script::GoAwayTaken).await;
    let error = server.error().await;
    assert_eq!(error.kind(), LnErrorKind::Unreachable, "{error}");
    assert_eq!(server.calls.load(Ordering::SeqCst), 1);
}
