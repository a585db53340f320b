//! The LNURL service's operations.

use std::sync::LazyLock;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::schemas;
use crate::api::{
    About, Answer, Api, Document, Operation, Parameter, Resource,
    schema::{self, JSON},
};

pub(super) static API: LazyLock<Api<Action>> = LazyLock::new(|| {
    let about = About {
        title: "switchgear LNURL service",
        description: "What wallets ask: LUD-01, 06 and 12. Every answer has \
                      `Access-Control-Allow-Origin: *`. Where `errors-as-200` is configured, \
                      errors but those of health checks come with status 200. HEAD is answered \
                      wherever GET is, and makes no invoice. OPTIONS is answered with 204 and what \
                      a browser asks to know (CORS preflight).",
        is_secured: false,
        schemas: schemas::all(),
        refusals: refusals(),
    };
    let resources = [
        Resource::new("/health", [liveness()]),
        Resource::new("/health/full", [readiness()]),
        Resource::new(
            "/openapi.json",
            [Document::operation(Action::Document, ELSEWHERE)],
        ),
        of_offer("/offers/{partition}/{id}", pay_request()),
        of_offer("/offers/{partition}/{id}/invoice", invoice()),
        of_offer("/offers/{partition}/{id}/bech32", bech32()),
        of_offer("/offers/{partition}/{id}/bech32/qr", qr()),
    ]
    .map(|resource| {
        resource.with_operation(Operation::implied(Method::OPTIONS, Action::Preflight))
    });
    Api::new(&about, &resources)
});

/// What the service can be asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Health(Check),
    Document,
    Offer(View),
    Preflight,
}

/// What a health check asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    Liveness,
    Readiness,
}

/// What is asked of an offer.
#[derive(Debug, Clone, Copy)]
pub(super) enum View {
    PayRequest,
    Invoice,
    Bech32,
    Qr,
}

/// What a request for anything but health may be refused with.
const ELSEWHERE: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::URI_TOO_LONG,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// As [`ELSEWHERE`], where an offer must be found first; an invoice may fail with the same statuses.
const OFFER: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::URI_TOO_LONG,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
];

fn of_offer(path: &'static str, operation: Operation<Action>) -> Resource<Action> {
    let partition = "A partition that this instance serves.";
    let id = "The offer's id, with hyphens.";
    Resource::new(path, [operation])
        .with_parameter(
            Parameter::path("partition", partition, schema::of("Partition"))
                .with_example("default"),
        )
        .with_parameter(
            Parameter::path("id", id, schema::uuid()).with_example(schemas::EXAMPLE_OFFER),
        )
}

fn get(id: &'static str, summary: &'static str, action: Action) -> Operation<Action> {
    Operation::new(Method::GET, id, summary, action)
}

fn liveness() -> Operation<Action> {
    get(
        "getHealth",
        "Whether the service runs",
        Action::Health(Check::Liveness),
    )
    .with_answer(uncached("It does.", &schema::of("Health")))
    .refusing(&[
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::URI_TOO_LONG,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        StatusCode::SERVICE_UNAVAILABLE,
    ])
}

fn readiness() -> Operation<Action> {
    let summary = "Whether invoices can be made";
    let report = schema::of("Readiness");
    let answer = |status, description| open(status, description).with_content(JSON, &report);
    get("getReadiness", summary, Action::Health(Check::Readiness))
        .with_parameter(Parameter::query(
            "partition",
            "Only this partition is asked for; it must be served here.",
            schema::of("Partition"),
        ))
        .with_answer(uncached("A partition has a ready node.", &report))
        .with_answer(answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            "No partition that is asked for has a ready node, or the nodes were not all checked yet.",
        ))
        .with_answer(answer(
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is shutting down; or, as an error without partitions, too busy.",
        ))
        .refusing(&[
            StatusCode::BAD_REQUEST,
            StatusCode::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::URI_TOO_LONG,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ])
}

fn pay_request() -> Operation<Action> {
    let summary = "What may be paid, and where an invoice is had (LUD-06)";
    get("getPayRequest", summary, Action::Offer(View::PayRequest))
        .with_answer(described(
            open(StatusCode::OK, "The offer.").with_content(JSON, &schema::of("PayRequest")),
        ))
        .refusing(OFFER)
}

fn invoice() -> Operation<Action> {
    let amount = json!({"type": "integer", "minimum": 1, "maximum": i64::MAX});
    get(
        "getInvoice",
        "An invoice (LUD-06)",
        Action::Offer(View::Invoice),
    )
    .with_parameter(
        Parameter::query(
            "amount",
            "In msat, within the offer's range; a plain decimal integer, once.",
            amount,
        )
        .required()
        .with_example(1_000_000),
    )
    .with_parameter(Parameter::query(
        "comment",
        "At most `commentAllowed` characters, once (LUD-12); ignored while comments are off.",
        json!({"type": "string"}),
    ))
    .with_answer(uncached("A new invoice.", &schema::of("PayInvoice")))
    .refusing(OFFER)
}

fn bech32() -> Operation<Action> {
    let text = json!({"type": "string", "pattern": "^LNURL1[02-9AC-HJ-NP-Z]+$"});
    let summary = "The offer's LNURL (LUD-01)";
    get("getBech32", summary, Action::Offer(View::Bech32))
        .with_answer(described(
            open(StatusCode::OK, "The LNURL, in upper case.").with_content("text/plain", &text),
        ))
        .refusing(OFFER)
}

fn qr() -> Operation<Action> {
    let summary = "The offer's LNURL as a QR code";
    get("getQr", summary, Action::Offer(View::Qr))
        .with_answer(described(
            open(StatusCode::OK, "A picture of it.").with_bytes("image/png"),
        ))
        .refusing(OFFER)
}

/// An answer of this service: every page may read it.
fn open(status: StatusCode, description: &'static str) -> Answer {
    Answer::new(status, description).with_header("Access-Control-Allow-Origin", "`*`")
}

fn uncached(description: &'static str, schema: &Value) -> Answer {
    open(StatusCode::OK, description)
        .with_content(JSON, schema)
        .with_header("Cache-Control", "`no-store, no-cache, must-revalidate`")
        .with_header("Expires", "A moment of 1970.")
        .with_header("Pragma", "`no-cache`")
}

/// What describes an offer may be kept for as long as the offer can be paid.
fn described(answer: Answer) -> Answer {
    answer
        .with_header(
            "Cache-Control",
            "`public, max-age=` and the seconds left of an offer that expires, else `no-store, \
             no-cache, must-revalidate`.",
        )
        .with_header("Expires", "When the offer does, else a moment of 1970.")
        .with_optional_header(
            "Vary",
            "What the callback was made from, where that is the request's host.",
        )
}

fn refusals() -> Vec<Answer> {
    [
        (
            StatusCode::BAD_REQUEST,
            "The host is not served here, or a parameter is wrong; the reason is for a payer to \
             read.",
        ),
        (
            StatusCode::NOT_FOUND,
            "There is no such offer, or none that can be paid now; or the partition is not \
             served here.",
        ),
        (
            StatusCode::METHOD_NOT_ALLOWED,
            "The answer of this path to every other method.",
        ),
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request has a large body.",
        ),
        (
            StatusCode::URI_TOO_LONG,
            "The target is longer than is configured.",
        ),
        (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The header fields are longer or more than is configured. The reason says which; no \
             body, where they could not be read at all.",
        ),
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The offer could not be looked up.",
        ),
        (
            StatusCode::BAD_GATEWAY,
            "No node could make the invoice, or a remote store failed.",
        ),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The request took too long, or there are too many at once.",
        ),
    ]
    .map(|(status, description)| refusal(status, description))
    .into()
}

fn refusal(status: StatusCode, description: &'static str) -> Answer {
    let answer = open(status, description).with_content(JSON, &schema::of("Error"));
    match status {
        StatusCode::METHOD_NOT_ALLOWED => answer.with_header("Allow", "The methods of this path."),
        StatusCode::SERVICE_UNAVAILABLE => {
            answer.with_optional_header("Retry-After", "When to try again, in seconds.")
        }
        _ => answer,
    }
}
