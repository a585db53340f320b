use std::{error::Error, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Request, Response, Version};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::{Limits, PeerAddr, activity::Activity, guarded::Guarded};
use crate::deadline::Timeout;

/// A tower service as one connection serves it: with its peer in the extensions of each request,
/// and cut off at the last.
#[derive(Debug, Clone)]
pub(super) struct Tracked<S> {
    pub(super) service: S,
    pub(super) peer: PeerAddr,
    pub(super) activity: Activity,
    pub(super) limits: Arc<Limits>,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Tracked<S>
where
    S: tower_service::Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Guarded<B>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guard = self.activity.request(request.version() == Version::HTTP_2);
        request.extensions_mut().insert(self.peer);
        let answer = self.service.clone().oneshot(request);
        let cut_off = self.limits.request_timeout + Limits::REQUEST_GRACE;
        let answer = Timeout::new(cut_off, answer);
        async move {
            let response = answer.await?.map_err(Into::into)?;
            Ok(response.map(|body| Guarded::new(body, guard)))
        }
        .boxed()
    }
}
