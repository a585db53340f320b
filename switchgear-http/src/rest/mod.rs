//! What the administrative services share: JSON in and out, keys, store failures, the audit line.

pub(crate) mod api;
mod audit;
mod json;
mod key;
mod miss;
mod once;
mod store;

use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use uuid::Uuid;

pub(crate) use self::{
    audit::audited,
    json::{decode, object},
    key::{ignore_location, settle_key, settle_location},
};
use crate::{
    body::{self, Body},
    caching,
    problem::Problem,
    reply,
};

/// A record as GET gives it: its own fields, and where it is.
#[derive(Debug, Serialize)]
pub(crate) struct Located<T> {
    #[serde(flatten)]
    pub(crate) record: T,
    pub(crate) location: String,
}

/// What a service answers, problems included; HEAD gets no body.
pub(crate) fn finish(method: &Method, result: Result<Response<Body>, Problem>) -> Response<Body> {
    let response = result.unwrap_or_else(Problem::into_response);
    if *method == Method::HEAD {
        body::strip(response)
    } else {
        response
    }
}

/// A record or a list, which no cache keeps.
pub(crate) fn fresh(content: &impl Serialize) -> Response<Body> {
    let mut response = reply::json(StatusCode::OK, content);
    caching::forbid(response.headers_mut());
    response
}

/// The answer of an open health check.
pub(crate) fn healthy() -> Response<Body> {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }

    fresh(&Health { status: "OK" })
}

/// 201 with `Location`.
pub(crate) fn created(location: &str) -> Response<Body> {
    let mut response = reply::empty(StatusCode::CREATED);
    response
        .headers_mut()
        .insert(header::LOCATION, location_value(location));
    response
}

/// The header of a location; keys are ASCII by construction.
pub(crate) fn location_value(location: &str) -> HeaderValue {
    HeaderValue::try_from(location).expect("the path form of a key is visible ASCII")
}

/// 204.
pub(crate) fn done() -> Response<Body> {
    reply::empty(StatusCode::NO_CONTENT)
}

/// 404 of a record that is not there.
pub(crate) fn no_record(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND)
        .with_type(Problem::RECORD_NOT_FOUND)
        .with_detail(format!("there is no such {what}"))
}

/// Reads an id in its one form, hyphenated: a record has one path.
pub(crate) fn uuid(text: &str) -> Option<Uuid> {
    let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
    hyphenated.then(|| Uuid::try_parse(text).ok()).flatten()
}
