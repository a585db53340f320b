//! What the tables of both administrative services share.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    api::{Answer, Operation, schema},
    problem::Problem,
};

/// What a GET of a list, and every other request without a body, may be refused with.
pub(crate) const READ: &[StatusCode] = &[
    StatusCode::UNAUTHORIZED,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::URI_TOO_LONG,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// As [`READ`], of one record.
pub(crate) const READ_ONE: &[StatusCode] = &[
    StatusCode::UNAUTHORIZED,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::URI_TOO_LONG,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// As [`READ_ONE`], with something in the request to be wrong, or records that stand against it.
pub(crate) const CHOOSE: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::URI_TOO_LONG,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// What a POST, which has a body, may be refused with.
pub(crate) const CREATE: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::URI_TOO_LONG,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// What a PUT or a PATCH may be refused with.
pub(crate) const WRITE: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::URI_TOO_LONG,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// Every refusal of these services; all are problems.
pub(crate) fn refusals() -> Vec<Answer> {
    [
        (
            StatusCode::BAD_REQUEST,
            "The query is wrong, the body is broken JSON, or other records stand against the \
             request: an offer's metadata does not exist, metadata is in use, the record to \
             list after is unknown.",
        ),
        (StatusCode::UNAUTHORIZED, "There is no good token."),
        (
            StatusCode::NOT_FOUND,
            "There is no such record, also for a malformed key: the type says so. With the type \
             `about:blank` there is nothing at the path.",
        ),
        (
            StatusCode::METHOD_NOT_ALLOWED,
            "The answer of this path to every other method.",
        ),
        (
            StatusCode::CONFLICT,
            "A record of this key is there already.",
        ),
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            "The body is longer than 2 MiB.",
        ),
        (
            StatusCode::URI_TOO_LONG,
            "The target is longer than is configured.",
        ),
        (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body is not said to be `application/json`, or is compressed.",
        ),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The body is JSON of the wrong shape. The detail begins with the field's name, \
             where one field is wrong. Unknown fields and fields named twice are refused.",
        ),
        (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The header fields are longer or more than is configured. The detail says which; no \
             body, where they could not be read at all.",
        ),
        (StatusCode::INTERNAL_SERVER_ERROR, "The store failed."),
        (StatusCode::BAD_GATEWAY, "The remote store failed."),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The request took too long, or there are too many at once.",
        ),
    ]
    .map(|(status, description)| refusal(status, description))
    .into()
}

fn refusal(status: StatusCode, description: &'static str) -> Answer {
    let answer = Answer::new(status, description)
        .with_content("application/problem+json", &schema::of("Problem"));
    match status {
        StatusCode::UNAUTHORIZED => answer.with_header(
            "WWW-Authenticate",
            "`Bearer realm=\"…\"`, with `error=\"invalid_token\"` when there was a token.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => answer.with_header("Allow", "The methods of this path."),
        StatusCode::CONFLICT => answer.with_header("Location", "Where the record is."),
        StatusCode::SERVICE_UNAVAILABLE => {
            answer.with_optional_header("Retry-After", "When to try again, in seconds.")
        }
        StatusCode::NOT_FOUND => answer.with_example(&json!({
            "type": Problem::RECORD_NOT_FOUND,
            "title": "Not Found",
            "status": 404,
            "detail": "there is no such record",
        })),
        _ => answer,
    }
}

/// A problem as RFC 9457 writes it.
pub(crate) fn problem() -> Value {
    schema::open(
        &["type", "title", "status"],
        json!({
            "type": {
                "description": "What a program tells problems apart by, where the status does not say all.",
                "enum": [Problem::ABOUT_BLANK, Problem::RECORD_NOT_FOUND],
            },
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
        }),
    )
}

/// The check of whether the process runs, which needs no token.
pub(crate) fn health<A>(action: A) -> Operation<A> {
    Operation::new(
        http::Method::GET,
        "getHealth",
        "Whether the service runs",
        action,
    )
    .open()
    .with_answer(fresh(StatusCode::OK, "It does.", &schema::of("Health")))
    .refusing(&[
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::URI_TOO_LONG,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        StatusCode::SERVICE_UNAVAILABLE,
    ])
}

/// An answer with a record or a list, which no cache keeps.
pub(crate) fn fresh(status: StatusCode, description: &'static str, schema: &Value) -> Answer {
    Answer::new(status, description)
        .with_content(schema::JSON, schema)
        .with_header("Cache-Control", "`no-store, no-cache, must-revalidate`")
        .with_header("Expires", "A moment of 1970.")
        .with_header("Pragma", "`no-cache`")
}

/// 201.
pub(crate) fn created() -> Answer {
    Answer::new(StatusCode::CREATED, "The record is new.")
        .with_header("Location", "Where it is, below its collection.")
}

/// 204 with what it means.
pub(crate) fn done(description: &'static str) -> Answer {
    Answer::new(StatusCode::NO_CONTENT, description)
}
