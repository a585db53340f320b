//! A bound for the bodies of requests, before the service reads them.

mod layer;

use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use http_body_util::{Either, Limited};
use tower_service::Service;

pub use self::layer::BodyLimitLayer;
use crate::{
    body::Body,
    failure::{EarlyAnswer, ErrorStyle},
};

/// Answers 413 at once to a request that announces a body above the limit. One that does not announce
/// its length ends with a [`LengthLimitError`](http_body_util::LengthLimitError) where it passes the
/// limit, which [`read`](crate::body::read) tells as [`ReadError::TooLarge`](crate::body::ReadError).
#[derive(Debug, Clone)]
pub struct BodyLimit<S> {
    inner: S,
    limit: usize,
    style: ErrorStyle,
}

impl<S> BodyLimit<S> {
    /// Gives `inner` bodies of at most `limit` bytes.
    pub fn new(inner: S, limit: usize, style: ErrorStyle) -> Self {
        Self {
            inner,
            limit,
            style,
        }
    }
}

impl<S, B, R> Service<Request<B>> for BodyLimit<S>
where
    B: http_body::Body,
    S: Service<Request<Limited<B>>, Response = Response<R>>,
{
    type Response = Response<Either<R, Body>>;
    type Error = S::Error;
    type Future = EarlyAnswer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let announced = request.body().size_hint().lower();
        if usize::try_from(announced).map_or(true, |announced| announced > self.limit) {
            let words = format!("the body must be at most {} bytes", self.limit);
            let style = self.style.at(request.uri().path());
            let answer = style.response(StatusCode::PAYLOAD_TOO_LARGE, &words);
            return EarlyAnswer::now(answer);
        }
        let request = request.map(|body| Limited::new(body, self.limit));
        EarlyAnswer::inner(self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http::header;
    use http_body::Frame;
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use tower::{ServiceExt as _, service_fn};

    use super::*;
    use crate::body::{ReadError, read};

    /// Answers with how its reading of the body went.
    async fn reads<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let said = match read(request.into_body(), 1_000).await {
            Ok(bytes) => format!("{} bytes", bytes.len()),
            Err(ReadError::TooLarge { .. }) => "too large".to_owned(),
            Err(ReadError::Broken(error)) => error.to_string(),
        };
        Ok(Response::new(Full::from(said)))
    }

    async fn said<R>(response: Response<R>) -> (u16, String)
    where
        R: http_body::Body<Data = Bytes>,
        R::Error: std::fmt::Debug,
    {
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn refuses_an_announced_body_above_the_limit_without_asking_the_service() {
        let style = ErrorStyle::Lnurl { as_200: false };
        let service = BodyLimit::new(service_fn(reads), 4, style);
        let request = |text: &'static str| Request::new(Full::<Bytes>::from(text));
        let fits = service.clone().oneshot(request("1234")).await.unwrap();
        assert_eq!(said(fits).await, (200, "4 bytes".to_owned()));
        let refused = service.oneshot(request("12345")).await.unwrap();
        assert_eq!(refused.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let reason = r#"{"status":"ERROR","reason":"the body must be at most 4 bytes"}"#;
        assert_eq!(said(refused).await, (413, reason.to_owned()));
    }

    #[tokio::test]
    async fn ends_a_body_where_it_passes_the_limit_unannounced() {
        for (parts, expected) in [(["12", "34"], "4 bytes"), (["12", "345"], "too large")] {
            let frames = parts.map(|part| Ok::<_, Infallible>(Frame::data(Bytes::from(part))));
            let body = StreamBody::new(futures::stream::iter(frames));
            let service = BodyLimit::new(service_fn(reads), 4, ErrorStyle::Problem);
            let answer = service.oneshot(Request::new(body)).await.unwrap();
            assert_eq!(said(answer).await, (200, expected.to_owned()));
        }
    }
}
