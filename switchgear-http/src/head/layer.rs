use tower_layer::Layer;

use super::{HeadLimit, bounds::Bounds};
use crate::failure::ErrorStyle;

/// Puts a [`HeadLimit`] around a service.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use switchgear_http::{failure::ErrorStyle, head::HeadLimitLayer};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hello = service_fn(|_: Request<Empty<Bytes>>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
/// });
/// let service = HeadLimitLayer::new(1_000, 20, ErrorStyle::Problem).layer(hello);
///
/// for (length, status) in [(1_000, 200), (1_001, 414)] {
///     let path = format!("/{}", "x".repeat(length - 1));
///     let request = Request::get(path).body(Empty::new())?;
///     assert_eq!(service.clone().oneshot(request).await?.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HeadLimitLayer {
    bounds: Bounds,
    style: ErrorStyle,
}

impl HeadLimitLayer {
    /// At most `header_bytes` bytes of target and header fields, and at most so many `headers`, or 414
    /// or 431 in this style.
    pub fn new(header_bytes: usize, headers: usize, style: ErrorStyle) -> Self {
        let bounds = Bounds {
            bytes: header_bytes,
            fields: headers,
        };
        Self { bounds, style }
    }
}

impl<S> Layer<S> for HeadLimitLayer {
    type Service = HeadLimit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HeadLimit {
            inner,
            bounds: self.bounds,
            style: self.style,
        }
    }
}
