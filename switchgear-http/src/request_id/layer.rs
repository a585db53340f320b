use tower_http::request_id::{MakeRequestUuid, PropagateRequestId, SetRequestId};
use tower_layer::Layer;

use super::{FitRequestId, REQUEST_ID};

/// Takes the id of a request from its client, or makes one where there is none or an unfit one, and
/// gives it back with the answer.
///
/// Services inside find it in the request's headers and, as
/// [`RequestId`](tower_http::request_id::RequestId), in its extensions. Where this stands outside of
/// the [access log](crate::access_log), lines end with it.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use switchgear_http::request_id::RequestIdLayer;
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hello = service_fn(|_: Request<()>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
/// });
/// let service = RequestIdLayer::new().layer(hello);
///
/// let request = Request::get("/").header("x-request-id", "order-7").body(())?;
/// let answer = service.clone().oneshot(request).await?;
/// assert_eq!(answer.headers()["x-request-id"], "order-7");
/// let answer = service.oneshot(Request::new(())).await?;
/// assert_eq!(answer.headers()["x-request-id"].len(), 36);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestIdLayer(());

impl RequestIdLayer {
    /// With UUIDs for the requests that bring no id.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for RequestIdLayer {
    type Service = FitRequestId<SetRequestId<PropagateRequestId<S>, MakeRequestUuid>>;

    fn layer(&self, inner: S) -> Self::Service {
        let inner = PropagateRequestId::new(inner, REQUEST_ID);
        FitRequestId(SetRequestId::new(inner, REQUEST_ID, MakeRequestUuid))
    }
}
