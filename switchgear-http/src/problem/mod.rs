//! Errors of the administrative services as `application/problem+json` (RFC 9457).

use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::{body::Body, caching, reply};

/// A problem: what the caller did or met, in words that name nothing inside.
///
/// ```
/// use http::StatusCode;
/// use switchgear_http::problem::Problem;
///
/// let response = Problem::new(StatusCode::NOT_FOUND).with_detail("no such backend").into_response();
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[derive(Debug, Clone)]
pub struct Problem {
    kind: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// The title of every 400 and 422.
    pub const INVALID_INPUT: &'static str = "Invalid input";

    /// The type of a 404 that says that a record is not there. Any other 404, of a path, of another
    /// service or of a proxy on the way, says nothing about records.
    pub const RECORD_NOT_FOUND: &'static str = "urn:switchgear:problem:record-not-found";

    /// The type of a problem that its status says all about (RFC 9457, 4.2.1).
    pub const ABOUT_BLANK: &'static str = "about:blank";

    /// A problem titled as its status: `Not Found`, or [`Self::INVALID_INPUT`] for 400 and 422.
    pub fn new(status: StatusCode) -> Self {
        let title = match status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Self::INVALID_INPUT,
            _ => status.canonical_reason().unwrap_or("Error"),
        };
        Self {
            kind: Self::ABOUT_BLANK,
            status,
            title,
            detail: None,
            headers: Vec::new(),
        }
    }

    /// Says of which type the problem is, by a URI that programs compare.
    #[must_use]
    pub fn with_type(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// Says what this very problem is, for an administrator to read.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a header, `Allow` or `Location` for example.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The response, which no cache keeps.
    pub fn into_response(self) -> Response<Body> {
        let document = Document {
            kind: self.kind,
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
        };
        let mut response = reply::typed(
            self.status,
            "application/problem+json",
            reply::encode(&document),
        );
        caching::forbid(response.headers_mut());
        response.headers_mut().extend(self.headers);
        response
    }
}

/// The problem as RFC 9457 writes it.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}
