//! The offer service's operations.

use std::sync::LazyLock;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::schemas;
use crate::{
    api::{About, Api, Document, Operation, Parameter, Resource, schema},
    rest::api::{self as rest, CHOOSE, CREATE, READ, READ_ONE, WRITE},
};

pub(super) static API: LazyLock<Api<Action>> = LazyLock::new(|| {
    let about = About {
        title: "switchgear offer service",
        description: "The administration of offers and of the metadata that describes them. \
                      Amounts are in msat. Every path but `/health` needs a bearer token. HEAD is \
                      answered wherever GET is.",
        is_secured: true,
        schemas: schemas::all(),
        refusals: rest::refusals(),
    };
    let mut resources = vec![
        Resource::new("/health", [rest::health(Action::Health)]),
        Resource::new(
            "/openapi.json",
            [Document::operation(Action::Document, READ)],
        ),
    ];
    resources.extend(shelf(&OFFERS));
    resources.extend(shelf(&METADATA));
    Api::new(&about, &resources)
});

/// What the service can be asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Health,
    Document,
    Offers(Verb),
    Metadata(Verb),
}

/// What is done to records of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Post,
    List,
    Get,
    Put,
    Delete,
}

/// How the operations on one kind of records are told from those on the other.
struct Kind {
    paths: [&'static str; 3],
    ids: [&'static str; 5],
    schemas: [&'static str; 3],
    example: fn() -> Value,
    id: &'static str,
    /// What a DELETE may be refused with.
    keeps: &'static [StatusCode],
    action: fn(Verb) -> Action,
}

const OFFERS: Kind = Kind {
    paths: ["/offers", "/offers/{partition}", "/offers/{partition}/{id}"],
    ids: [
        "postOffer",
        "listOffers",
        "getOffer",
        "putOffer",
        "deleteOffer",
    ],
    schemas: ["Offer", "NewOffer", "OfferUpdate"],
    example: schemas::example_offer,
    id: schemas::EXAMPLE_OFFER,
    keeps: READ_ONE,
    action: Action::Offers,
};

const METADATA: Kind = Kind {
    paths: [
        "/metadata",
        "/metadata/{partition}",
        "/metadata/{partition}/{id}",
    ],
    ids: [
        "postMetadata",
        "listMetadata",
        "getMetadata",
        "putMetadata",
        "deleteMetadata",
    ],
    schemas: ["Metadata", "NewMetadata", "MetadataUpdate"],
    example: schemas::example_metadata,
    id: schemas::EXAMPLE_METADATA,
    // While an offer uses it.
    keeps: CHOOSE,
    action: Action::Metadata,
};

fn shelf(kind: &Kind) -> [Resource<Action>; 3] {
    let [all, of_partition, one] = kind.paths;
    [
        Resource::new(all, [post(kind)]),
        Resource::new(of_partition, [list(kind)]).with_parameter(partition()),
        record(one, kind),
    ]
}

fn post(kind: &Kind) -> Operation<Action> {
    let ([id, ..], [_, new, _]) = (kind.ids, kind.schemas);
    Operation::new(Method::POST, id, "Adds a record", (kind.action)(Verb::Post))
        .with_body(new, &(kind.example)())
        .with_answer(rest::created())
        .refusing(CREATE)
}

fn list(kind: &Kind) -> Operation<Action> {
    let ([_, id, ..], [answered, ..]) = (kind.ids, kind.schemas);
    let offset = json!({"type": "integer", "minimum": 0, "maximum": i64::MAX, "default": 0});
    let count = json!({"type": "integer", "minimum": 0});
    let page = schema::list(schema::of(answered));
    let page = rest::fresh(StatusCode::OK, "Ordered by creation then id.", &page);
    let summary = "A page of a partition's records";
    Operation::new(Method::GET, id, summary, (kind.action)(Verb::List))
        .with_parameter(Parameter::query(
            "start",
            "How many records stand before the page; not together with `after`.",
            offset,
        ))
        .with_parameter(Parameter::query(
            "after",
            "The id of the record before the page, which must be there. The cost does not grow with depth.",
            schema::uuid(),
        ))
        .with_parameter(Parameter::query(
            "count",
            "How many records at most: by default, and at most, the service's `max-page-size`.",
            count,
        ))
        .with_answer(page)
        .refusing(CHOOSE)
}

fn record(path: &'static str, kind: &Kind) -> Resource<Action> {
    let [_, _, get, put, delete] = kind.ids;
    let [answered, _, update] = kind.schemas;
    let found = rest::fresh(StatusCode::OK, "The record.", &schema::of(answered));
    let action = kind.action;
    Resource::new(
        path,
        [
            Operation::new(Method::GET, get, "One record", action(Verb::Get))
                .with_answer(found)
                .refusing(READ_ONE),
            Operation::new(
                Method::PUT,
                put,
                "Adds or replaces a record",
                action(Verb::Put),
            )
            .with_body(update, &(kind.example)())
            .with_answer(rest::created())
            .with_answer(rest::done("The record is as the body says."))
            .refusing(WRITE),
            Operation::new(
                Method::DELETE,
                delete,
                "Removes a record",
                action(Verb::Delete),
            )
            .with_answer(rest::done("It is removed."))
            .refusing(kind.keeps),
        ],
    )
    .with_parameter(partition())
    .with_parameter(
        Parameter::path("id", "The record's id, with hyphens.", schema::uuid())
            .with_example(kind.id),
    )
}

fn partition() -> Parameter {
    let description = "Where the record lives; with the id, its key.";
    Parameter::path("partition", description, schema::of("Partition")).with_example("default")
}
