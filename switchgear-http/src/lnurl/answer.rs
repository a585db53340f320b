//! How this service answers: LNURL JSON, open CORS, and what caches may keep.

use std::fmt;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use switchgear_core::{
    InvalidValue, lnurl::LnurlError, offer::PayableOffer, store::StoreErrorKind,
};

use crate::{body::Body, caching, clock, host::HostError, reply};

/// What is allowed on every path that exists.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// An LNURL error (LUD-01) that no cache keeps and every page may read.
pub(crate) fn error_response(status: StatusCode, reason: &str) -> Response<Body> {
    let mut response = reply::json(status, &LnurlError::new(reason));
    caching::forbid(response.headers_mut());
    open(response.headers_mut());
    response
}

/// The answer to a browser that asks whether it may ask (LUD-01).
pub(super) fn preflight() -> Response<Body> {
    let mut response = reply::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::ALLOW, METHODS),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets pages of every origin read the response.
pub(super) fn open(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
}

/// Lets caches keep what describes `offer` for as long as it can be paid, where that has an end.
pub(super) fn cache(headers: &mut HeaderMap, offer: &PayableOffer, varies: Option<&'static str>) {
    match offer.validity.expires() {
        Some(expires) => caching::allow_until(headers, expires, clock::now()),
        None => caching::forbid(headers),
    }
    if let Some(names) = varies {
        headers.insert(header::VARY, HeaderValue::from_static(names));
    }
}

/// Why a request gets no answer: its status, and words for a payer.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: impl fmt::Display) -> Self {
        Self {
            status,
            reason: reason.to_string(),
        }
    }

    /// There is no such offer, or none at present: callers cannot tell which.
    pub(super) fn no_offer() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such offer")
    }

    /// The store failed; why is for the log alone.
    pub(super) fn store(kind: StoreErrorKind) -> Self {
        let status = match kind {
            StoreErrorKind::Remote => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(
            status,
            "the offer cannot be looked up now, please try again",
        )
    }

    /// The response, with status 200 where wallets want that.
    pub(super) fn into_response(self, as_200: bool) -> Response<Body> {
        let mut response = error_response(self.status, &self.reason);
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(METHODS));
        }
        if as_200 {
            *response.status_mut() = StatusCode::OK;
        }
        response
    }
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }
}

impl From<InvalidValue> for Refusal {
    fn from(error: InvalidValue) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }
}
