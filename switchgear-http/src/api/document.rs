use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{
    Answer, Operation, Parameter, Resource,
    answer::shared_name,
    schema::{self, JSON},
};
use crate::{body::Body, caching, etag, reply};

/// What a document says beside its operations.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// Whether operations need a token, those apart that are open.
    pub(crate) is_secured: bool,
    pub(crate) schemas: Vec<(&'static str, Value)>,
    /// What operations answer when not all is well, each status once.
    pub(crate) refusals: Vec<Answer>,
}

/// An OpenAPI 3.1 document, rendered once.
#[derive(Debug)]
pub(crate) struct Document {
    text: Bytes,
    tag: HeaderValue,
}

impl Document {
    pub(super) fn new<A>(about: &About, resources: &[Resource<A>]) -> Self {
        let document = render(about, resources);
        let mut text = serde_json::to_string_pretty(&document)
            .expect("a JSON value has text keys and serialises without failing");
        text.push('\n');
        let hash = hex::encode(digest(&SHA256, text.as_bytes()));
        let tag = format!("\"{}\"", hash.get(..16).unwrap_or(&hash));
        Self {
            text: text.into(),
            tag: HeaderValue::try_from(tag).expect("hex digits in quotes are visible ASCII"),
        }
    }

    /// The operation that serves the document itself.
    pub(crate) fn operation<A>(action: A, refusals: &'static [StatusCode]) -> Operation<A> {
        let summary = "This document";
        Operation::new(http::Method::GET, "getOpenApiDocument", summary, action)
            .with_parameter(Parameter::if_none_match())
            .with_answer(
                Answer::new(StatusCode::OK, "An OpenAPI 3.1 document.")
                    .with_content(JSON, &schema::open_api())
                    .with_header("ETag", "The version of the document."),
            )
            .with_answer(unchanged())
            .refusing(refusals)
    }

    /// The document, or 304 to whoever has it.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        let mut response = if etag::matches(headers, &self.tag) {
            reply::empty(StatusCode::NOT_MODIFIED)
        } else {
            reply::typed(StatusCode::OK, JSON, self.text.clone())
        };
        let headers = response.headers_mut();
        caching::forbid(headers);
        headers.insert(header::ETAG, self.tag.clone());
        response
    }
}

/// 304, as every operation with an `ETag` has it.
pub(crate) fn unchanged() -> Answer {
    Answer::new(StatusCode::NOT_MODIFIED, "What is known still holds.")
        .with_header("ETag", "The version that holds.")
}

fn render<A>(about: &About, resources: &[Resource<A>]) -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "description": about.description,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": resources
            .iter()
            .map(|resource| (resource.path.to_owned(), resource.render()))
            .collect::<Map<_, _>>(),
        "components": {
            "schemas": about
                .schemas
                .iter()
                .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
                .collect::<Map<_, _>>(),
            "responses": about
                .refusals
                .iter()
                .map(|refusal| (shared_name(refusal.status()), refusal.render()))
                .collect::<Map<_, _>>(),
        },
    });
    if about.is_secured {
        document["security"] = json!([{"bearer": []}]);
        document["components"]["securitySchemes"] = json!({"bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "ES256, with `aud` (this service) and `exp`; made by `swgr … token mint`.",
        }});
    }
    document
}
