//! One limit for a request: its body and the work, until the answer begins.

mod future;
mod layer;
mod timeout;

use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use http_body_util::Either;
use tower_service::Service;

pub(crate) use self::timeout::Timeout;
pub use self::{future::DeadlineFuture, layer::DeadlineLayer};
use crate::{body::Body, failure::ErrorStyle};

/// Answers 503 in the service's own style when a request takes too long, and drops its work.
#[derive(Debug, Clone)]
pub struct Deadline<S> {
    inner: S,
    limit: Duration,
    style: ErrorStyle,
}

impl<S> Deadline<S> {
    /// Gives `inner` at most `limit` for a request.
    pub fn new(inner: S, limit: Duration, style: ErrorStyle) -> Self {
        Self {
            inner,
            limit,
            style,
        }
    }
}

impl<S, B, R> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Either<R, Body>>;
    type Error = S::Error;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let style = self.style.at(request.uri().path());
        DeadlineFuture::new(self.inner.call(request), self.limit, style)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{StatusCode, header};
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn cuts_off_a_request_at_its_limit_and_not_before() {
        let sleeper = |time| {
            service_fn(move |_: Request<Body>| async move {
                tokio::time::sleep(time).await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            })
        };
        let limit = Duration::from_secs(3);
        let early = limit - Duration::from_millis(1);
        let late = limit + Duration::from_millis(1);
        for (time, as_200, status) in [
            (early, false, StatusCode::OK),
            (late, false, StatusCode::SERVICE_UNAVAILABLE),
            (late, true, StatusCode::OK),
        ] {
            let service = Deadline::new(sleeper(time), limit, ErrorStyle::Lnurl { as_200 });
            let response = service.oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(response.status(), status);
            let is_error = response.headers().contains_key(header::CONTENT_TYPE);
            assert_eq!(is_error, time == late);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_health_check_has_its_status_whatever_wallets_want() {
        let stuck = service_fn(|_: Request<()>| std::future::pending::<Result<_, Infallible>>());
        let style = ErrorStyle::Lnurl { as_200: true };
        let service = Deadline::new(stuck, Duration::from_secs(3), style);
        for (path, status) in [
            ("/health", 503),
            ("/health/full", 503),
            ("/offers/a/b", 200),
        ] {
            let request = Request::get(path).body(()).unwrap();
            let answer = service.clone().oneshot(request).await;
            let response: Response<Either<Body, Body>> = answer.unwrap();
            assert_eq!(response.status(), status, "{path}");
        }
    }
}
