//! The listener over real sockets: protocols, TLS, limits, and a drain that loses nothing.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use switchgear_http::{
    body::Body,
    serve::{Limits, PeerAddr, ServeConfig, ServeError, Server, TlsPaths},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, Semaphore, oneshot},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tower::service_fn;

/// The bound of every wait: a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server, and a gate that its answers to `/slow` wait for.
struct Bench {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    done: JoinHandle<Result<(), ServeError>>,
    entered: Arc<Semaphore>,
    gate: Arc<Notify>,
}

impl Bench {
    async fn start(config: ServeConfig) -> Self {
        Self::start_with(config, PATIENCE).await
    }

    async fn start_with(config: ServeConfig, drain: Duration) -> Self {
        let server = Server::bind(config).await.unwrap();
        let address = server.local_addr();
        let (entered, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let (inside, waits) = (Arc::clone(&entered), Arc::clone(&gate));
        let service = service_fn(move |request: Request<Incoming>| {
            let (inside, waits) = (Arc::clone(&inside), Arc::clone(&waits));
            async move {
                if request.uri().path() == "/slow" {
                    let open = waits.notified();
                    inside.add_permits(1);
                    open.await;
                }
                let peer = request.extensions().get::<PeerAddr>().unwrap().0;
                let text = format!("{} {peer}", request.uri().path());
                Ok::<_, Infallible>(Response::new(Body::from(text)))
            }
        });
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let done = tokio::spawn(server.run(service, shutdown, drain));
        Self {
            address,
            stop: Some(stop),
            done,
            entered,
            gate,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn wait_for_end(self) {
        timeout(PATIENCE, self.done)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    /// Waits until so many requests are inside the service.
    async fn wait_inside(&self, requests: u32) {
        let inside = self.entered.acquire_many(requests);
        timeout(PATIENCE, inside).await.unwrap().unwrap().forget();
    }
}

fn config() -> ServeConfig {
    ServeConfig::new("127.0.0.1:0".parse().unwrap())
}

fn limited(limits: Limits) -> ServeConfig {
    ServeConfig { limits, ..config() }
}

/// Reads until the server closes.
async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    // A reset ends a connection as well as a close does.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .unwrap();
    String::from_utf8(text).unwrap()
}

/// Reads until `end` has come.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.contains(end) {
        let mut buffer = [0; 1_024];
        let count = timeout(PATIENCE, stream.read(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(count, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    text
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a.example\r\n\r\n")
}

async fn http2<T>(io: T, path: &str) -> (StatusCode, Version, Bytes)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://a.example{path}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = timeout(PATIENCE, sender.send_request(request))
        .await
        .unwrap()
        .unwrap();
    let (status, version) = (response.status(), response.version());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, version, body)
}

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

/// A certificate for `localhost` on disk, and a client that believes it and offers `protocol`.
fn identity(folder: &Path, protocol: &str) -> (TlsPaths, tokio_rustls::TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let paths = TlsPaths {
        cert: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&paths.cert, made.cert.pem()).unwrap();
    std::fs::write(&paths.key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    (paths, Arc::new(client).into())
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

#[tokio::test]
async fn closes_connections_that_send_no_whole_head_in_time() {
    for limit in [Duration::from_millis(200), Duration::from_millis(600)] {
        let bench = Bench::start(limited(Limits {
            header_timeout: limit,
            ..Limits::default()
        }))
        .await;
        for begin in ["", "G", "PRI * HT", "GET / HTTP/1.1\r\nhost: a.exam"] {
            let begun = Instant::now();
            let mut stream = bench.connect().await;
            stream.write_all(begin.as_bytes()).await.unwrap();
            assert_eq!(read_to_end(&mut stream).await, "", "{begin:?}");
            let waited = begun.elapsed();
            assert!(
                waited >= limit && waited < PATIENCE,
                "{begin:?}: {waited:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_resting_connection_has_the_idle_time_and_a_begun_head_the_header_time() {
    let limits = Limits {
        header_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(700),
        ..Limits::default()
    };
    let bench = Bench::start(limited(limits.clone())).await;
    for (begin, limit) in [("", limits.idle_timeout), ("GET", limits.header_timeout)] {
        let mut stream = bench.connect().await;
        stream.write_all(get("/x").as_bytes()).await.unwrap();
        read_until(&mut stream, "/x 127").await;
        let begun = Instant::now();
        stream.write_all(begin.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await;
        let waited = begun.elapsed();
        let slack = Duration::from_millis(50);
        assert!(waited + slack >= limit, "{begin:?}: {waited:?}");
    }
}

#[tokio::test]
async fn closes_tls_connections_that_do_not_shake_hands() {
    let folder = tempfile::tempdir().unwrap();
    let (paths, _) = identity(folder.path(), "h2");
    let bench = Bench::start(ServeConfig {
        tls: Some(paths),
        ..limited(Limits {
            header_timeout: Duration::from_millis(200),
            ..Limits::default()
        })
    })
    .await;
    let mut stream = bench.connect().await;
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn refuses_heads_that_are_too_large_or_have_too_many_fields() {
    let bench = Bench::start(config()).await;
    let many = "x: y\r\n".repeat(101);
    let large = format!("x: {}\r\n", "y".repeat(20_000));
    for fields in [many, large] {
        let mut stream = bench.connect().await;
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
        // The server may close before it has taken everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = read_to_end(&mut stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
}

#[tokio::test]
async fn serves_so_many_connections_at_once_and_lets_the_next_wait() {
    let bench = Bench::start(limited(Limits {
        connections: 1,
        ..Limits::default()
    }))
    .await;
    let mut first = bench.connect().await;
    first.write_all(get("/slow").as_bytes()).await.unwrap();
    bench.wait_inside(1).await;
    let mut second = bench.connect().await;
    second.write_all(get("/second").as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(early.is_err(), "the second was served beside the first");
    bench.gate.notify_waiters();
    read_until(&mut first, "/slow 127").await;
    drop(first);
    read_until(&mut second, "/second 127").await;
}

#[tokio::test]
async fn drains_without_losing_a_request_and_closes_idle_connections_at_once() {
    let mut bench = Bench::start(config()).await;
    let mut resting = bench.connect().await;
    resting.write_all(get("/x").as_bytes()).await.unwrap();
    read_until(&mut resting, "/x 127").await;
    let mut silent = bench.connect().await;
    let mut busy = Vec::new();
    for _ in 0..20 {
        let mut stream = bench.connect().await;
        stream.write_all(get("/slow").as_bytes()).await.unwrap();
        busy.push(stream);
    }
    let multiplexed = tokio::spawn(http2(bench.connect().await, "/slow"));
    bench.wait_inside(21).await;

    bench.stop();
    read_to_end(&mut resting).await;
    read_to_end(&mut silent).await;
    assert!(!bench.done.is_finished());
    bench.gate.notify_waiters();
    for stream in &mut busy {
        let answer = read_to_end(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    assert_eq!(multiplexed.await.unwrap().0, StatusCode::OK);
    let address = bench.address;
    bench.wait_for_end().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn serves_what_waited_in_the_backlog_when_the_end_came() {
    let server = Server::bind(config()).await.unwrap();
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(get("/x").as_bytes()).await.unwrap();
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Body::from("served")))
    });
    let run = server.run(service, std::future::ready(()), PATIENCE);
    timeout(PATIENCE, run).await.unwrap().unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.ends_with("served"), "{answer:?}");
}

#[tokio::test]
async fn a_drain_ends_at_its_limit() {
    for limit in [Duration::ZERO, Duration::from_millis(300)] {
        let mut bench = Bench::start_with(config(), limit).await;
        let mut stream = bench.connect().await;
        stream.write_all(get("/slow").as_bytes()).await.unwrap();
        bench.wait_inside(1).await;
        let begun = Instant::now();
        bench.stop();
        bench.wait_for_end().await;
        assert!(begun.elapsed() >= limit);
        assert_eq!(read_to_end(&mut stream).await, "");
    }
}

#[tokio::test]
async fn cuts_off_a_request_that_outlives_its_limit_and_its_grace() {
    let limits = Limits {
        request_timeout: Duration::from_millis(10),
        ..Limits::default()
    };
    let bench = Bench::start(limited(limits)).await;
    let mut stream = bench.connect().await;
    let begun = Instant::now();
    stream.write_all(get("/slow").as_bytes()).await.unwrap();
    bench.wait_inside(1).await;
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(begun.elapsed() >= Limits::REQUEST_GRACE);
}
