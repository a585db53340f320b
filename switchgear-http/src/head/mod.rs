//! A bound for the heads of requests, whatever protocol brought them.
//!
//! A parser bounds heads too, but must do so before it has a request, and answers without a body. And
//! it does not hold everything: hyper looks at its buffer on HTTP/1.1 between two reads only, and
//! counts no fields on HTTP/2. With the same limits here, whatever the parser lets through is held to
//! them exactly, and is answered as the service answers.

mod bounds;
mod layer;

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::Either;
use tower_service::Service;

use self::bounds::Bounds;
pub use self::layer::HeadLimitLayer;
use crate::{
    body::Body,
    failure::{EarlyAnswer, ErrorStyle},
};

/// Answers 414 to a target above the limit, and 431 to a head with too many bytes or too many fields,
/// without asking the service.
#[derive(Debug, Clone)]
pub struct HeadLimit<S> {
    inner: S,
    bounds: Bounds,
    style: ErrorStyle,
}

impl<S, B, R> Service<Request<B>> for HeadLimit<S>
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
        match self.bounds.refusal(&request) {
            Some((status, words)) => {
                let style = self.style.at(request.uri().path());
                EarlyAnswer::now(style.response(status, &words))
            }
            None => EarlyAnswer::inner(self.inner.call(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use serde_json::json;
    use tower::{Layer as _, service_fn};

    use super::*;
    use crate::testing::{Answer, send};

    async fn asked(style: ErrorStyle, path: &str, fields: usize) -> Answer {
        let inner = service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::from("asked")))
        });
        let service = HeadLimitLayer::new(100, 2, style).layer(inner);
        let mut request = Request::get(path);
        for _ in 0..fields {
            request = request.header("a", "b");
        }
        send(&service, request.body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn a_head_within_its_limits_comes_to_the_service() {
        let answer = asked(ErrorStyle::Problem, "/", 2).await;
        assert_eq!((answer.status, &*answer.body), (200, b"asked".as_slice()));
    }

    #[tokio::test]
    async fn refuses_in_the_style_of_the_service_at_the_path() {
        let words = "there must be at most 2 header fields";
        let answer = asked(ErrorStyle::Problem, "/offers", 3).await;
        assert_eq!(answer.problem(431), words);
        for (path, as_200, status) in [
            ("/offers", false, 431),
            ("/offers", true, 200),
            ("/health", true, 431),
        ] {
            let answer = asked(ErrorStyle::Lnurl { as_200 }, path, 3).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let error = json!({"status": "ERROR", "reason": words});
            assert_eq!(answer.json(), error);
        }
    }

    #[tokio::test]
    async fn refuses_a_target_that_is_too_long() {
        let path = format!("/{}", "x".repeat(100));
        let answer = asked(ErrorStyle::Problem, &path, 0).await;
        assert_eq!(answer.problem(414), "the target must be at most 100 bytes");
    }
}
