//! Bodies: the one that every response of this crate has, and the bounds of those of requests.

mod limit;
mod read;

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::{Frame, SizeHint};
use http_body_util::Full;

pub use self::{
    limit::{BodyLimit, BodyLimitLayer},
    read::{ReadError, read},
};

/// The body of every response of this crate: bytes that are known as a whole.
#[derive(Debug, Clone, Default)]
pub struct Body(Full<Bytes>);

impl Body {
    /// A body without bytes.
    pub fn empty() -> Self {
        Self::default()
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Full::new(bytes.into()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// Takes the body from an answer to HEAD, and leaves the length that GET would have (RFC 9110, 9.3.2).
pub(crate) fn strip(mut response: Response<Body>) -> Response<Body> {
    let length = http_body::Body::size_hint(response.body()).exact();
    if let Some(length) = length.filter(|length| *length > 0) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
    response
}
