use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use switchgear_http::{
    failure::ErrorStyle,
    head::HeadLimitLayer,
    serve::{Limits, PeerAddr, ServeConfig, ServeError, Server},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::TcpStream,
    sync::{Notify, Semaphore, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tower::{Layer as _, service_fn};

/// The bound of every wait: a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long the answer to `/long` is, in bytes.
pub(crate) const LONG: usize = 20_000;

/// A part of the answers to `/endless`, in bytes.
const PART: usize = 65_536;

/// A running server, and a gate that its answers to `/slow` wait for, and the ends of those to
/// `/pausing`.
pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) done: JoinHandle<Result<(), ServeError>>,
    pub(crate) gate: Arc<Notify>,
    site: Site,
}

/// What the service says, and tells of its requests.
#[derive(Clone)]
struct Site {
    gate: Arc<Notify>,
    /// How many have come to the gate.
    entered: Arc<Semaphore>,
    /// How many answers to `/endless` were given up.
    dropped: Arc<Semaphore>,
}

impl Bench {
    pub(crate) async fn start(config: ServeConfig) -> Self {
        Self::start_with(config, PATIENCE).await
    }

    pub(crate) async fn start_with(config: ServeConfig, drain: Duration) -> Self {
        Self::start_behind(no_head_limit(), config, drain).await
    }

    /// With the server's own limits of heads as a layer too.
    pub(crate) async fn start_with_head_limit(limits: Limits) -> Self {
        let style = ErrorStyle::Problem;
        let layer = HeadLimitLayer::new(limits.header_bytes, limits.headers, style);
        Self::start_behind(layer, limited(limits), PATIENCE).await
    }

    async fn start_behind(head: HeadLimitLayer, config: ServeConfig, drain: Duration) -> Self {
        let server = Server::bind(config).await.unwrap();
        let address = server.local_addr();
        let site = Site {
            gate: Arc::new(Notify::new()),
            entered: Arc::new(Semaphore::new(0)),
            dropped: Arc::new(Semaphore::new(0)),
        };
        let answering = site.clone();
        let service = head.layer(service_fn(move |request| {
            let site = answering.clone();
            async move { Ok::<_, Infallible>(Response::new(site.answer(&request).await)) }
        }));
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let done = tokio::spawn(server.run(service, shutdown, drain));
        Self {
            address,
            stop: Some(stop),
            done,
            gate: Arc::clone(&site.gate),
            site,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn wait_for_end(self) {
        timeout(PATIENCE, self.done)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    /// Waits until so many requests are inside the service.
    pub(crate) async fn wait_inside(&self, requests: u32) {
        let inside = self.site.entered.acquire_many(requests);
        timeout(PATIENCE, inside).await.unwrap().unwrap().forget();
    }

    /// Waits until an answer to `/endless` is given up.
    pub(crate) async fn wait_dropped(&self) {
        let dropped = self.site.dropped.acquire();
        timeout(PATIENCE, dropped).await.unwrap().unwrap().forget();
    }
}

fn no_head_limit() -> HeadLimitLayer {
    HeadLimitLayer::new(usize::MAX, usize::MAX, ErrorStyle::Problem)
}

type Answer = UnsyncBoxBody<Bytes, Infallible>;

impl Site {
    async fn answer(self, request: &Request<Incoming>) -> Answer {
        let path = request.uri().path();
        match path {
            "/endless" => return streamed(self.endless()),
            "/pausing" => return streamed(self.pausing()),
            "/long" => return Full::from(vec![b'x'; LONG]).boxed_unsync(),
            "/slow" => self.wait_at_gate().await,
            _ => {}
        }
        let peer = request.extensions().get::<PeerAddr>().unwrap().0;
        Full::from(format!("{path} {peer}")).boxed_unsync()
    }

    async fn wait_at_gate(&self) {
        let open = self.gate.notified();
        self.entered.add_permits(1);
        open.await;
    }

    fn pausing(self) -> impl Stream<Item = Bytes> {
        stream::iter([false, true]).then(move |is_late| {
            let site = self.clone();
            async move {
                if is_late {
                    site.wait_at_gate().await;
                }
                Bytes::from_static(if is_late { b"late" } else { b"early" })
            }
        })
    }

    fn endless(self) -> impl Stream<Item = Bytes> {
        let given_up = GivenUp(self.dropped);
        stream::repeat(Bytes::from(vec![b'x'; PART])).inspect(move |_| {
            let _ = &given_up;
        })
    }
}

/// Counts itself when it goes.
struct GivenUp(Arc<Semaphore>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

fn streamed(parts: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
    StreamBody::new(parts.map(|part| Ok(Frame::data(part)))).boxed_unsync()
}

pub(crate) fn config() -> ServeConfig {
    ServeConfig::new("127.0.0.1:0".parse().unwrap())
}

pub(crate) fn limited(limits: Limits) -> ServeConfig {
    ServeConfig { limits, ..config() }
}

/// Reads until the server closes.
pub(crate) async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    // A reset ends a connection as well as a close does.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .unwrap();
    String::from_utf8(text).unwrap()
}

/// Reads until `end` has come.
pub(crate) async fn read_until(stream: &mut TcpStream, end: &str) -> String {
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

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a.example\r\n\r\n")
}

pub(crate) async fn http2<T>(io: T, path: &str) -> (StatusCode, Version, Bytes)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = Request::get(format!("http://a.example{path}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    send_by_http2(io, request).await
}

/// Sends a request over a new connection.
pub(crate) async fn send_by_http2<T>(
    io: T,
    request: Request<Empty<Bytes>>,
) -> (StatusCode, Version, Bytes)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io))
            .await
            .unwrap();
    tokio::spawn(connection);
    let response = timeout(PATIENCE, sender.send_request(request))
        .await
        .unwrap()
        .unwrap();
    let (status, version) = (response.status(), response.version());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, version, body)
}
