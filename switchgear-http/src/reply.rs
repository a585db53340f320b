//! The few ways in which a response is put together.

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::body::Body;

/// JSON of one of our own models.
pub(crate) fn json(status: StatusCode, content: &impl Serialize) -> Response<Body> {
    typed(status, "application/json", encode(content))
}

/// A body of some media type.
pub(crate) fn typed(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = empty(status);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    *response.body_mut() = body.into();
    response
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The JSON bytes of one of our own models.
pub(crate) fn encode(content: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(content).expect("models have text keys and serialise without failing")
}
