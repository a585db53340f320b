use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use serde::Serialize;
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::time::timeout;

use super::{
    answer::Answer, config::HttpStoreConfig, endpoint::Endpoint, tls, token, watched::Watched,
};

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The longest list, in bytes: of all backends, of a page of metadata with its pictures.
const MAX_LIST: usize = 64 * 1024 * 1024;

/// The longest record, in bytes: a service takes none above 2 MiB, and sends a little more back.
const MAX_RECORD: usize = 4 * 1024 * 1024;

/// The longest explanation of an error, in bytes.
const MAX_PROBLEM: usize = 64 * 1024;

/// Idle connections close before a server's usual 60 s, so that none is used as it goes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A remote service, and what a client needs to ask it.
pub(super) struct RemoteService {
    endpoint: Endpoint,
    client: Watched<HttpClient>,
    token: Watched<HeaderValue>,
    total_timeout: Duration,
}

/// One request, without what all of them share.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    method: Method,
    segments: &'a [&'a str],
    query: Option<String>,
    body: Option<Vec<u8>>,
    known: Option<HeaderValue>,
    is_lenient: bool,
    longest: usize,
}

impl RemoteService {
    pub(super) fn try_new(config: HttpStoreConfig) -> Result<Self, StoreError> {
        let endpoint = Endpoint::try_new(&config.base_url)?;
        let (is_https, connect_timeout) = (endpoint.is_https(), config.connect_timeout);
        let client = Watched::try_new(config.trusted_roots, move |roots| {
            let tls = if is_https {
                tls::trusting(roots)?
            } else {
                tls::trusting_nobody()?
            };
            Ok(client(tls, connect_timeout))
        })?;
        let token_file = config.authorization;
        let token = Watched::try_new(vec![token_file.clone()], move |_| {
            token::bearer(&token_file)
        })?;
        Ok(Self {
            endpoint,
            client,
            token,
            total_timeout: config.total_timeout,
        })
    }

    /// Sends a request and reads its answer to the end, whatever its status.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Answer, StoreError> {
        let longest = ask.longest;
        let request = self.request(ask)?;
        match timeout(self.total_timeout, self.exchange(request, longest)).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::new(
                StoreErrorKind::Remote,
                format!(
                    "{} did not answer in time, within {:?}",
                    self.endpoint, self.total_timeout
                ),
            )),
        }
    }

    fn request(&self, ask: Ask<'_>) -> Result<Request<Full<Bytes>>, StoreError> {
        let uri = self.endpoint.uri(ask.segments, ask.query.as_deref())?;
        let mut request = Request::new(Full::default());
        *request.method_mut() = ask.method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, (*self.token.value()).clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(known) = ask.known {
            headers.insert(header::IF_NONE_MATCH, known);
        }
        if ask.is_lenient {
            headers.insert("prefer", HeaderValue::from_static("handling=lenient"));
        }
        if let Some(body) = ask.body {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
            *request.body_mut() = Full::from(body);
        }
        Ok(request)
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        longest: usize,
    ) -> Result<Answer, StoreError> {
        let client = self.client.value();
        let response = client.request(request).await.map_err(|error| {
            let what = if error.is_connect() {
                "cannot be reached"
            } else {
                "broke the connection off"
            };
            self.failed(what).with_source(error)
        })?;
        self.read(response, longest).await
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        longest: usize,
    ) -> Result<Answer, StoreError> {
        let (head, body) = response.into_parts();
        let is_success = head.status.is_success();
        let limit = if is_success { longest } else { MAX_PROBLEM };
        let body = match Limited::new(body, limit).collect().await {
            Ok(body) => body.to_bytes(),
            // The status says enough where its explanation is too long or broken off.
            Err(_) if !is_success => Bytes::new(),
            Err(error) => {
                return Err(self
                    .failed("sent an answer that cannot be read")
                    .with_source(error));
            }
        };
        Ok(Answer::new(head.status, head.headers, body))
    }

    fn failed(&self, what: &str) -> StoreError {
        StoreError::new(StoreErrorKind::Remote, format!("{} {what}", self.endpoint))
    }
}

impl fmt::Debug for RemoteService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteService")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, segments: &'a [&'a str]) -> Self {
        Self {
            method,
            segments,
            query: None,
            body: None,
            known: None,
            is_lenient: false,
            longest: MAX_RECORD,
        }
    }

    /// Expects a list.
    pub(super) fn list(mut self) -> Self {
        self.longest = MAX_LIST;
        self
    }

    /// Takes a list that lacks what the service cannot read (RFC 7240, 4.4).
    pub(super) fn lenient(mut self) -> Self {
        self.is_lenient = true;
        self
    }

    pub(super) fn query(mut self, query: String) -> Self {
        self.query = Some(query);
        self
    }

    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        let body =
            serde_json::to_vec(body).expect("a record's keys are text, so it is always JSON");
        self.body = Some(body);
        self
    }

    /// Asks for nothing where the answer would be the one with this `ETag`.
    pub(super) fn unless(mut self, etag: Option<HeaderValue>) -> Self {
        self.known = etag;
        self
    }
}

fn client(tls: ClientConfig, connect_timeout: Duration) -> HttpClient {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build(connector)
}
