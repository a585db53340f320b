use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{HeaderMap, Response};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer, server::WebPkiClientVerifier};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;

/// What happens to a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    /// Each call is answered with an empty message.
    Serve,
    /// The first call is met with a GOAWAY that has not seen it; the connection stays open.
    GoAway { code: u32 },
    /// The first call's stream is reset; the connection stays open.
    ResetStream { code: u32 },
    /// So many calls are refused, and each later one is answered.
    Refuse { calls: usize },
    /// The first call is met with bytes that are no TLS.
    BreakTls,
    /// The first call is met with the end of the connection.
    HangUp,
    /// The connection ends when so many calls hang on it.
    HangUpAfter { calls: usize },
}

type Certified = rcgen::CertifiedKey<rcgen::KeyPair>;

/// A server whose n-th connection follows the n-th script, and all further ones the last.
#[derive(Debug)]
pub(super) struct Server {
    directory: tempfile::TempDir,
    port: u16,
    counters: Arc<Counters>,
    tls: watch::Sender<Arc<ServerConfig>>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicUsize,
    failed_handshakes: AtomicUsize,
    open: AtomicUsize,
    calls: AtomicUsize,
}

impl Server {
    pub(super) async fn start<const N: usize>(scripts: [Script; N]) -> Self {
        Self::serve(&scripts, b"h2", false).await
    }

    pub(super) async fn start_with_client_certificates<const N: usize>(
        scripts: [Script; N],
    ) -> Self {
        Self::serve(&scripts, b"h2", true).await
    }

    pub(super) async fn start_without_http2<const N: usize>(scripts: [Script; N]) -> Self {
        Self::serve(&scripts, b"", false).await
    }

    async fn serve(scripts: &[Script], protocol: &[u8], mutual: bool) -> Self {
        let certified = self_signed();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("tls.cert"), certified.cert.pem()).unwrap();
        let tls = watch::Sender::new(Arc::new(config(&certified, protocol, mutual)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counters = Arc::new(Counters::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(
            listener,
            tls.subscribe(),
            scripts.to_vec(),
            Arc::clone(&counters),
        ));
        Self {
            directory,
            port,
            counters,
            tls,
            _tasks: tasks,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.directory.path().join("tls.cert")
    }

    /// Puts a certificate into the file that the server uses from its restart on.
    pub(super) fn renew_certificate(&self) -> Renewed {
        let certified = self_signed();
        fs::write(self.certificate(), certified.cert.pem()).unwrap();
        Renewed(config(&certified, b"h2", false))
    }

    /// Closes all connections in order, and makes others with the new certificate.
    pub(super) fn restart(&self, renewed: Renewed) {
        self.tls.send_replace(Arc::new(renewed.0));
    }

    /// Adds a certificate to the file, which changes it and what it stands for.
    pub(super) fn add_certificate(&self) {
        let mut file = fs::read_to_string(self.certificate()).unwrap();
        file.push_str(&self_signed().cert.pem());
        fs::write(self.certificate(), file).unwrap();
    }

    /// Handshakes so far that failed.
    pub(super) fn failed_handshakes(&self) -> usize {
        self.counters.failed_handshakes.load(Ordering::SeqCst)
    }

    /// Connections so far that shook hands.
    pub(super) fn connections(&self) -> usize {
        self.counters.connections.load(Ordering::SeqCst)
    }

    /// Connections that are open.
    pub(super) fn open(&self) -> usize {
        self.counters.open.load(Ordering::SeqCst)
    }

    /// Calls that arrived.
    pub(super) fn calls(&self) -> usize {
        self.counters.calls.load(Ordering::SeqCst)
    }
}

/// A certificate that the server does not use yet.
#[derive(Debug)]
pub(super) struct Renewed(ServerConfig);

fn self_signed() -> Certified {
    rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap()
}

fn config(certified: &Certified, protocol: &[u8], mutual: bool) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if mutual {
        let mut roots = RootCertStore::empty();
        roots.add(certified.cert.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let mut config = builder
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    if !protocol.is_empty() {
        config.alpn_protocols = vec![protocol.to_vec()];
    }
    config
}

async fn accept(
    listener: TcpListener,
    tls: watch::Receiver<Arc<ServerConfig>>,
    scripts: Vec<Script>,
    counters: Arc<Counters>,
) {
    let mut connections = JoinSet::new();
    let mut scripts = scripts.into_iter().peekable();
    while let Ok((tcp, _)) = listener.accept().await {
        let config = Arc::clone(&tls.borrow());
        let Ok(stream) = TlsAcceptor::from(config).accept(tcp).await else {
            counters.failed_handshakes.fetch_add(1, Ordering::SeqCst);
            continue;
        };
        let script = scripts.next().expect("a script is left");
        if scripts.peek().is_none() {
            scripts = vec![script].into_iter().peekable();
        }
        counters.connections.fetch_add(1, Ordering::SeqCst);
        counters.open.fetch_add(1, Ordering::SeqCst);
        let counters = Arc::clone(&counters);
        let mut restart = tls.clone();
        restart.mark_unchanged();
        connections.spawn(async move {
            // An error is the client's hanging up.
            let _ = follow(script, stream, restart, &counters).await;
            counters.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn follow(
    script: Script,
    mut stream: TlsStream<TcpStream>,
    restart: watch::Receiver<Arc<ServerConfig>>,
    counters: &Counters,
) -> io::Result<()> {
    match script {
        Script::Serve => {
            let answering = answer(stream, 0, restart, counters);
            return answering.await.map_err(io::Error::other);
        }
        Script::Refuse { calls } => {
            let answering = answer(stream, calls, restart, counters);
            return answering.await.map_err(io::Error::other);
        }
        Script::BreakTls => {
            calls(&mut stream, 1, counters).await?;
            let record = [&[23, 3, 3, 0, 32][..], &[0; 32]].concat();
            stream.get_mut().0.write_all(&record).await?;
            drain(stream).await?;
        }
        Script::HangUp => calls(&mut stream, 1, counters).await?,
        Script::HangUpAfter { calls: hanging } => {
            calls(&mut stream, hanging, counters).await?;
        }
        Script::GoAway { code } => {
            calls(&mut stream, 1, counters).await?;
            let payload = [0_u32.to_be_bytes(), code.to_be_bytes()].concat();
            stream.write_all(&frame(GO_AWAY, 0, &payload)).await?;
            drain(stream).await?;
        }
        Script::ResetStream { code } => {
            calls(&mut stream, 1, counters).await?;
            let reset = frame(RST_STREAM, 1, &code.to_be_bytes());
            stream.write_all(&reset).await?;
            drain(stream).await?;
        }
    }
    Ok(())
}

/// Refuses some calls, and answers all others with an empty message.
async fn answer(
    stream: TlsStream<TcpStream>,
    mut refuse: usize,
    mut restart: watch::Receiver<Arc<ServerConfig>>,
    counters: &Counters,
) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    let mut stopping = false;
    loop {
        let call = tokio::select! {
            call = connection.accept() => call,
            _ = restart.changed(), if !stopping => {
                stopping = true;
                connection.graceful_shutdown();
                continue;
            }
        };
        let Some(call) = call else { return Ok(()) };
        let (_, mut respond) = call?;
        counters.calls.fetch_add(1, Ordering::SeqCst);
        if refuse > 0 {
            refuse -= 1;
            respond.send_reset(h2::Reason::REFUSED_STREAM);
            continue;
        }
        let head = Response::builder()
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let mut body = respond.send_response(head, false)?;
        body.send_data(vec![0; 5].into(), false)?;
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        body.send_trailers(trailers)?;
    }
}

/// Speaks just enough HTTP/2 to see `wanted` calls arrive.
async fn calls(
    stream: &mut TlsStream<TcpStream>,
    wanted: usize,
    counters: &Counters,
) -> io::Result<()> {
    stream.write_all(&frame(SETTINGS, 0, &[])).await?;
    stream.read_exact(&mut [0; PREFACE]).await?;
    let mut seen = 0;
    while seen < wanted {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [high, middle, low, kind, ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await?;
        if kind == HEADERS {
            seen += 1;
            counters.calls.fetch_add(1, Ordering::SeqCst);
        }
    }
    Ok(())
}

async fn drain(mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// A frame without flags (RFC 9113, 4.1).
fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, 0]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}
