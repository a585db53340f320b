use std::{error::Error, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::{
    Limits, PeerAddr,
    activity::Activity,
    guarded::{Guarded, Part},
    head,
};
use crate::deadline::Timeout;

/// A tower service as one connection serves it: behind the limits of heads, with its peer in the
/// extensions of each request, and cut off at the last.
#[derive(Debug, Clone)]
pub(super) struct Tracked<S> {
    pub(super) service: S,
    pub(super) peer: PeerAddr,
    pub(super) activity: Activity,
    pub(super) limits: Arc<Limits>,
}

/// The service's own body, or none in an answer that it was not asked for.
type Answered<B> = Either<Guarded<B>, Empty<Part<<B as http_body::Body>::Data>>>;

impl<S, B> hyper::service::Service<Request<Incoming>> for Tracked<S>
where
    S: tower_service::Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Answered<B>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guard = self.activity.request(request.version() == Version::HTTP_2);
        if let Some(status) = head::refusal(&request, &self.limits) {
            return async move { Ok(refuse(status)) }.boxed();
        }
        request.extensions_mut().insert(self.peer);
        let answer = self.service.clone().oneshot(request);
        let cut_off = self.limits.request_timeout + Limits::REQUEST_GRACE;
        let answer = Timeout::new(cut_off, answer);
        async move {
            let response = answer.await?.map_err(Into::into)?;
            Ok(response.map(|body| Either::Left(Guarded::new(body, guard))))
        }
        .boxed()
    }
}

fn refuse<L, D>(status: StatusCode) -> Response<Either<L, Empty<D>>> {
    let mut response = Response::new(Either::Right(Empty::new()));
    *response.status_mut() = status;
    response
}
