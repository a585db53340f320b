use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use switchgear_http::{
    body::Body,
    serve::{Limits, PeerAddr, ServeConfig, ServeError, Server},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::TcpStream,
    sync::{Notify, Semaphore, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tower::service_fn;

/// The bound of every wait: a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long the answer to `/long` is, in bytes.
pub(crate) const LONG: usize = 20_000;

/// A running server, and a gate that its answers to `/slow` wait for.
pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) done: JoinHandle<Result<(), ServeError>>,
    entered: Arc<Semaphore>,
    pub(crate) gate: Arc<Notify>,
}

impl Bench {
    pub(crate) async fn start(config: ServeConfig) -> Self {
        Self::start_with(config, PATIENCE).await
    }

    pub(crate) async fn start_with(config: ServeConfig, drain: Duration) -> Self {
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
        let inside = self.entered.acquire_many(requests);
        timeout(PATIENCE, inside).await.unwrap().unwrap().forget();
    }
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
