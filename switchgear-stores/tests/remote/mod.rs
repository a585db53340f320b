//! A remote service on loopback that answers as it is told and remembers what it was asked.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// What the service was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Method and target, `GET /discovery` for example.
    pub(crate) line: String,
    pub(crate) authorization: String,
    pub(crate) if_none_match: Option<String>,
    pub(crate) body: String,
}

/// Answers, to be given in turn. Without one left, the service never answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remote {
    answers: Arc<Mutex<VecDeque<Response<Full<Bytes>>>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Remote {
    /// Starts the service; its root is the URL returned.
    pub(crate) async fn start() -> (Self, String) {
        Self::start_with(None).await
    }

    /// Starts the service behind TLS.
    pub(crate) async fn start_tls(acceptor: TlsAcceptor) -> (Self, String) {
        Self::start_with(Some(acceptor)).await
    }

    async fn start_with(acceptor: Option<TlsAcceptor>) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let remote = Self::default();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let serving = remote.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().connection(stream, acceptor.clone()));
            }
        });
        (remote, format!("{scheme}://localhost:{port}"))
    }

    /// Gives this answer next, behind those that wait already.
    pub(crate) fn answer(&self, status: u16, headers: &[(&str, &str)], body: impl Into<String>) {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Full::from(body.into())).unwrap();
        self.answers.lock().unwrap().push_back(response);
    }

    /// The last request.
    pub(crate) fn asked(&self) -> Asked {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn connection(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        match acceptor {
            None => self.serve(stream).await,
            // A handshake that fails is the client's to report.
            Some(acceptor) => {
                if let Ok(stream) = acceptor.accept(stream).await {
                    self.serve(stream).await;
                }
            }
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| self.clone().respond(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A client that goes is no failure of the service.
        drop(connection.await);
    }

    async fn respond(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let header = |name: &str| {
            let value = head.headers.get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let asked = Asked {
            line: format!("{} {}", head.method, head.uri),
            authorization: header("authorization").unwrap_or_default(),
            if_none_match: header("if-none-match"),
            body: String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
        };
        self.asked.lock().unwrap().push(asked);
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(answer) => Ok(answer),
            None => std::future::pending().await,
        }
    }
}
