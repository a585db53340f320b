//! What the tests of the services share.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::{Service, ServiceExt as _};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::body::Body;

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn assert_uncached(&self) {
        assert_eq!(
            self.header("cache-control"),
            "no-store, no-cache, must-revalidate"
        );
        assert_eq!(self.header("expires"), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(self.header("pragma"), "no-cache");
    }

    /// Asserts a whole problem and gives its detail.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], status);
        if matches!(status, 400 | 422) {
            assert_eq!(json["title"], "Invalid input");
        }
        json["detail"].as_str().unwrap().to_owned()
    }
}

/// Sends any request.
pub(crate) async fn send<S, R>(service: &S, request: Request<Body>) -> Answer
where
    S: Service<Request<Body>, Response = Response<R>, Error = std::convert::Infallible> + Clone,
    R: http_body::Body<Data = Bytes>,
    R::Error: Debug,
{
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

/// A request with a JSON body, or without any.
pub(crate) fn request(method: &str, path: &str, body: Option<&Value>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::from(body.to_string()))
            .unwrap(),
        None => request.body(Body::empty()).unwrap(),
    }
}

/// Level, target and message of an event.
pub(crate) type Logged = (Level, String, String);

/// Keeps what is logged on this thread.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Logged>>>);

impl Recorder {
    /// What was logged since it was asked last.
    pub(crate) fn take(&self) -> Vec<Logged> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Message(String);

        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }

        let mut message = Message(String::new());
        event.record(&mut message);
        let metadata = event.metadata();
        let logged = (*metadata.level(), metadata.target().to_owned(), message.0);
        self.0.lock().unwrap().push(logged);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
