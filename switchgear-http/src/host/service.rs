use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::Either;
use tower_service::Service;

use super::{AllowedHosts, HostError, Origin, Scheme};
use crate::{
    body::Body,
    failure::{EarlyAnswer, ErrorStyle},
};

/// Answers 400 to requests for other hosts than those allowed.
#[derive(Debug, Clone)]
pub struct HostService<S> {
    inner: S,
    door: Arc<Door>,
}

impl<S> HostService<S> {
    pub(super) fn new(inner: S, door: Arc<Door>) -> Self {
        Self { inner, door }
    }
}

impl<S, B, R> Service<Request<B>> for HostService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Either<R, Body>>;
    type Error = S::Error;
    type Future = EarlyAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, body) = request.into_parts();
        if let Err(error) = self.door.check(&head) {
            let words = error.to_string();
            let style = self.door.style.at(head.uri.path());
            return EarlyAnswer::now(style.response(StatusCode::BAD_REQUEST, &words));
        }
        EarlyAnswer::inner(self.inner.call(Request::from_parts(head, body)))
    }
}

/// Who is let in.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) hosts: AllowedHosts,
    pub(super) scheme: Scheme,
    pub(super) style: ErrorStyle,
    pub(super) open: Vec<String>,
}

impl Door {
    fn check(&self, head: &Parts) -> Result<(), HostError> {
        if self.open.iter().any(|open| open == head.uri.path()) {
            return Ok(());
        }
        Origin::allowed(head, self.scheme, &self.hosts).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use tower::{Layer as _, ServiceExt as _, service_fn};

    use super::*;
    use crate::host::HostLayer;

    #[tokio::test]
    async fn refuses_other_hosts_in_the_style_of_the_service_and_lets_open_paths_through() {
        let hello = service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
        });
        let hosts = AllowedHosts::try_new(["a.example"]).unwrap();
        let style = ErrorStyle::Lnurl { as_200: false };
        let service = HostLayer::new(hosts, Scheme::Http, style)
            .with_open_paths(["/health".to_owned()])
            .layer(hello);
        let refusal = r#"{"status":"ERROR","reason":"this host is not served here"}"#;
        for (path, host, status, body) in [
            ("/x", "A.example:9", 200, "hello"),
            ("/x", "b.example", 400, refusal),
            ("/health", "b.example", 200, "hello"),
            ("/health/", "b.example", 400, refusal),
        ] {
            let request = Request::get(path).header("host", host).body(()).unwrap();
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{host}{path}");
            let answer = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(answer, body, "{host}{path}");
        }
    }
}
