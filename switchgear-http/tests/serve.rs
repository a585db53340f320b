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

/// How long the answer to `/long` is, in bytes.
const LONG: usize = 20_000;

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
                if request.uri().path() == "/long" {
                    return Ok(Response::new(Body::from(vec![b'x'; LONG])));
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
        if !begin.is_empty() {
            assert!(waited < limits.idle_timeout, "{begin:?}: {waited:?}");
        }
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

/// Sends a head and gives what the server answered before it closed.
async fn answer_to(bench: &Bench, fields: &str) -> String {
    let mut stream = bench.connect().await;
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n");
    // The server may close before it has taken everything.
    let _ = stream.write_all(request.as_bytes()).await;
    read_to_end(&mut stream).await
}

#[tokio::test]
async fn takes_heads_up_to_their_limits_and_refuses_what_is_above() {
    for (headers, header_bytes) in [(100, 16_384), (50, 9_000)] {
        let limits = Limits {
            headers,
            header_bytes,
            ..Limits::default()
        };
        let bench = Bench::start(limited(limits)).await;
        // With `host` and `connection` there are as many as allowed.
        let most = "x: y\r\n".repeat(headers - 2);
        let answer = answer_to(&bench, &most).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let answer = answer_to(&bench, &format!("{most}x: y\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");

        let long = |bytes| format!("x: {}\r\n", "y".repeat(bytes));
        let answer = answer_to(&bench, &long(header_bytes - 100)).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        // A head that one read brings may be somewhat longer.
        let answer = answer_to(&bench, &long(2 * header_bytes)).await;
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
    let mut streams = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
        stream.write_all(get("/x").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Body::from("served")))
    });
    let run = server.run(service, std::future::ready(()), PATIENCE);
    timeout(PATIENCE, run).await.unwrap().unwrap();
    for stream in &mut streams {
        let answer = read_to_end(stream).await;
        assert!(answer.ends_with("served"), "{answer:?}");
    }
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

/// A connection of HTTP/2, frame by frame (RFC 9113).
struct RawHttp2(TcpStream);

impl RawHttp2 {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;

    /// Begins, with so much room for each response.
    async fn begin(bench: &Bench, window: u32) -> Self {
        let mut stream = bench.connect().await;
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        let mut this = Self(stream);
        let initial_window = [[0, 4].as_slice(), &window.to_be_bytes()].concat();
        this.send(Self::SETTINGS, 0, 0, &initial_window).await;
        this
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let stream = stream.to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &stream, payload].concat();
        self.0.write_all(&frame).await.unwrap();
    }

    /// GET of a path, its head in literals without indexing (RFC 7541, 6.2.2).
    async fn get(&mut self, stream: u32, path: &str) {
        const END: u8 = 0x1 | 0x4;

        let authority = "a.example";
        // Method GET and scheme http are 2 and 6 of the static table, path and authority 4 and 1.
        let mut head = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        head.extend_from_slice(path.as_bytes());
        head.extend([0x01, u8::try_from(authority.len()).unwrap()]);
        head.extend_from_slice(authority.as_bytes());
        self.send(Self::HEADERS, END, stream, &head).await;
    }

    /// The kind, the flags and the length of the next frame; none at the end.
    async fn next(&mut self) -> Option<(u8, u8, usize)> {
        let mut head = [0; 9];
        let read = timeout(PATIENCE, self.0.read_exact(&mut head));
        read.await.unwrap().ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let length = usize::try_from(length).unwrap();
        self.0.read_exact(&mut vec![0; length]).await.ok()?;
        Some((head[3], head[4], length))
    }

    /// Waits for a frame of a kind.
    async fn wait_for(&mut self, kind: u8) {
        while self.next().await.expect("the connection is open").0 != kind {}
    }

    /// Reads without another word until the server closes.
    async fn read_to_end(&mut self) {
        while self.next().await.is_some() {}
    }
}

#[tokio::test]
async fn closes_an_http2_connection_whose_peer_makes_no_room_for_its_answers() {
    for (window, limit) in [(0, 300), (0, 900), (1, 300)] {
        let write_timeout = Duration::from_millis(limit);
        let bench = Bench::start(limited(Limits {
            write_timeout,
            ..Limits::default()
        }))
        .await;
        let begun = Instant::now();
        let mut connection = RawHttp2::begin(&bench, window).await;
        connection.get(1, "/long").await;
        connection.get(3, "/long").await;
        connection.read_to_end().await;
        let waited = begun.elapsed();
        assert!(waited >= write_timeout, "{window}: {waited:?}");
        assert!(waited < PATIENCE / 2, "{window}: {waited:?}");
    }
}

#[tokio::test]
async fn an_http2_peer_that_reads_slowly_gets_the_whole_answer() {
    const PART: u32 = 2_500;

    let limits = Limits {
        idle_timeout: Duration::from_millis(250),
        write_timeout: Duration::from_millis(250),
        ..Limits::default()
    };
    let bench = Bench::start(limited(limits.clone())).await;
    let begun = Instant::now();
    let mut connection = RawHttp2::begin(&bench, 0).await;
    connection.get(1, "/long").await;
    connection.wait_for(RawHttp2::HEADERS).await;
    let mut taken = 0;
    while taken < LONG {
        // This reader's own pace, not a wait for an event.
        tokio::time::sleep(Duration::from_millis(60)).await;
        let room = PART.to_be_bytes();
        connection.send(RawHttp2::WINDOW_UPDATE, 0, 1, &room).await;
        let mut part = 0;
        while part < usize::try_from(PART).unwrap() {
            let (kind, _, length) = connection.next().await.expect("it is not cut off");
            part += if kind == RawHttp2::DATA { length } else { 0 };
        }
        taken += part;
    }
    assert_eq!(taken, LONG);
    assert!(begun.elapsed() > limits.idle_timeout);
}

#[tokio::test]
async fn an_http2_connection_rests_once_its_only_request_was_reset() {
    let bench = Bench::start(limited(Limits {
        idle_timeout: Duration::from_millis(200),
        ..Limits::default()
    }))
    .await;
    let mut connection = RawHttp2::begin(&bench, 0).await;
    connection.get(1, "/slow").await;
    bench.wait_inside(1).await;
    let cancel = 8_u32.to_be_bytes();
    connection.send(RawHttp2::RST_STREAM, 0, 1, &cancel).await;
    connection.read_to_end().await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_http2_peers_that_answer_no_ping() {
    let mut bench = Bench::start_with(config(), PATIENCE * 3).await;
    let mut silent = RawHttp2::begin(&bench, 0).await;
    silent.wait_for(RawHttp2::SETTINGS).await;
    let mut resting = RawHttp2::begin(&bench, 65_535).await;
    resting.get(1, "/x").await;
    resting.wait_for(RawHttp2::DATA).await;
    let mut busy = RawHttp2::begin(&bench, 65_535).await;
    busy.get(1, "/slow").await;
    bench.wait_inside(1).await;

    let begun = Instant::now();
    bench.stop();
    silent.read_to_end().await;
    resting.read_to_end().await;
    assert!(begun.elapsed() < PATIENCE / 2);
    bench.gate.notify_waiters();
    busy.wait_for(RawHttp2::DATA).await;
    busy.read_to_end().await;
    bench.wait_for_end().await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_tls_handshakes() {
    let folder = tempfile::tempdir().unwrap();
    let (paths, _) = identity(folder.path(), "h2");
    let limits = Limits {
        header_timeout: PATIENCE * 3,
        ..Limits::default()
    };
    let config = ServeConfig {
        tls: Some(paths),
        ..limited(limits)
    };
    let mut bench = Bench::start_with(config, PATIENCE * 3).await;
    let mut silent = bench.connect().await;
    bench.stop();
    assert_eq!(read_to_end(&mut silent).await, "");
    bench.wait_for_end().await;
}
