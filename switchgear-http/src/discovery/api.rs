//! The discovery service's operations.

use std::sync::LazyLock;

use http::{Method, StatusCode};
use switchgear_core::backend::BackendAddress;

use super::schemas;
use crate::{
    api::{About, Answer, Api, Document, Operation, Parameter, Resource, schema, unchanged},
    rest::api::{self as rest, CREATE, READ, READ_ONE, WRITE},
};

pub(super) static API: LazyLock<Api<Action>> = LazyLock::new(|| {
    let about = About {
        title: "switchgear discovery service",
        description: "The administration of the Lightning nodes that invoices are asked from. \
                      Every path but `/health` needs a bearer token. HEAD is answered wherever GET \
                      is.",
        is_secured: true,
        schemas: schemas::all(),
        refusals: rest::refusals(),
    };
    Api::new(
        &about,
        &[
            Resource::new("/health", [rest::health(Action::Health)]),
            Resource::new(
                "/openapi.json",
                [Document::operation(Action::Document, READ)],
            ),
            Resource::new("/discovery", [list(), post()]),
            backend(
                "/discovery/pk/{publicKey}",
                Form::Key,
                [
                    "getBackendByKey",
                    "putBackendByKey",
                    "patchBackendByKey",
                    "deleteBackendByKey",
                ],
            ),
            backend(
                "/discovery/url/{url}",
                Form::Url,
                [
                    "getBackendByUrl",
                    "putBackendByUrl",
                    "patchBackendByUrl",
                    "deleteBackendByUrl",
                ],
            ),
            backend(
                "/discovery/{publicKey}",
                Form::Key,
                ["getBackend", "putBackend", "patchBackend", "deleteBackend"],
            ),
        ],
    )
});

/// What the service can be asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Health,
    Document,
    List,
    Post,
    /// Something about the one backend that the path names.
    Backend(Form, Verb),
}

/// What is done to one backend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Get,
    Put,
    Patch,
    Delete,
}

/// How a path names a backend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Key,
    Url,
}

impl Form {
    /// The address that a segment says; none where it is malformed.
    pub(super) fn read(self, segment: &str) -> Option<BackendAddress> {
        match self {
            Self::Key => segment.parse().ok().map(BackendAddress::PublicKey),
            Self::Url => format!("url/{segment}").parse().ok(),
        }
    }

    fn parameter(self) -> Parameter {
        match self {
            Self::Key => Parameter::path(
                "publicKey",
                "The node's public key in hex, of either case.",
                schema::of("PublicKey"),
            )
            .with_example(schemas::EXAMPLE_KEY),
            Self::Url => Parameter::path(
                "url",
                "The URL in base64url without padding.",
                schemas::url_segment(),
            )
            .with_example(schemas::EXAMPLE_URL),
        }
    }
}

const PREFER: &str = "Where a backend cannot be read, there is no list (500), unless the caller prefers \
                      `handling=lenient` (RFC 7240): then the others are listed.";

const LEFT_OUT: &str = "The locations of the backends that cannot be read, separated by commas, of 32 at \
                        most.";

fn list() -> Operation<Action> {
    let backends = schema::list(schema::of("Backend"));
    let answer = rest::fresh(
        StatusCode::OK,
        "All, ordered by creation then address.",
        &backends,
    );
    Operation::new(Method::GET, "listBackends", "All backends", Action::List)
        .with_parameter(Parameter::if_none_match())
        .with_parameter(Parameter::header("Prefer", PREFER))
        .with_answer(
            answer
                .with_header("ETag", "The version of the list.")
                .with_optional_header("Switchgear-Left-Out", LEFT_OUT)
                .with_optional_header("Preference-Applied", "`handling=lenient`, with it."),
        )
        .with_answer(unchanged())
        .refusing(READ)
}

fn post() -> Operation<Action> {
    Operation::new(Method::POST, "postBackend", "Adds a backend", Action::Post)
        .with_body("NewBackend", &schemas::example())
        .with_answer(rest::created())
        .refusing(CREATE)
}

fn backend(path: &'static str, form: Form, ids: [&'static str; 4]) -> Resource<Action> {
    let [get, put, patch, delete] = ids;
    let action = |verb| Action::Backend(form, verb);
    let found = rest::fresh(StatusCode::OK, "The backend.", &schema::of("Backend"));
    Resource::new(
        path,
        [
            Operation::new(Method::GET, get, "One backend", action(Verb::Get))
                .with_answer(found)
                .refusing(READ_ONE),
            Operation::new(
                Method::PUT,
                put,
                "Adds or replaces a backend",
                action(Verb::Put),
            )
            .with_body("BackendUpdate", &schemas::example_update())
            .with_answer(rest::created())
            .with_answer(updated())
            .refusing(WRITE),
            Operation::new(
                Method::PATCH,
                patch,
                "Changes single fields of a backend",
                action(Verb::Patch),
            )
            .with_body("BackendPatch", &schemas::example_patch())
            .with_answer(updated())
            .refusing(WRITE),
            Operation::new(
                Method::DELETE,
                delete,
                "Removes a backend",
                action(Verb::Delete),
            )
            .with_answer(rest::done("It is removed."))
            .refusing(READ_ONE),
        ],
    )
    .with_parameter(form.parameter())
}

fn updated() -> Answer {
    rest::done("The backend is as the body says.")
}
