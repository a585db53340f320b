//! What a service answers, as data: one table from which requests are routed, the `Allow` of a 405 is
//! made, and the service's OpenAPI document is written. So none of them can say what another does not.

mod answer;
mod document;
mod operation;
mod parameter;
mod resource;
mod router;
pub(crate) mod schema;

use http::Method;

use self::router::Router;
pub(crate) use self::{
    answer::Answer,
    document::{About, Document, unchanged},
    operation::Operation,
    parameter::Parameter,
    resource::Resource,
    router::{Found, Miss},
};

/// A service's whole table; `A` is what the service calls an operation.
#[derive(Debug)]
pub(crate) struct Api<A> {
    router: Router<A>,
    document: Document,
}

impl<A: Copy> Api<A> {
    pub(crate) fn new(about: &About, resources: &[Resource<A>]) -> Self {
        Self {
            router: Router::new(resources),
            document: Document::new(about, resources),
        }
    }

    /// The operation that a request asks for.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Result<Found<'p, A>, Miss> {
        self.router.find(method, path)
    }

    /// What is served at `/openapi.json`.
    pub(crate) fn document(&self) -> &Document {
        &self.document
    }
}
