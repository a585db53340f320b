use http::{HeaderValue, Method};
use serde_json::{Map, Value};

use super::{Operation, Parameter};

/// A path with its operations.
#[derive(Debug)]
pub(crate) struct Resource<A> {
    pub(super) path: &'static str,
    parameters: Vec<Parameter>,
    pub(super) operations: Vec<Operation<A>>,
}

impl<A> Resource<A> {
    /// `path` as a template: `/offers/{partition}`.
    pub(crate) fn new(path: &'static str, operations: impl Into<Vec<Operation<A>>>) -> Self {
        Self {
            path,
            parameters: Vec::new(),
            operations: operations.into(),
        }
    }

    /// Describes a segment of the template.
    pub(crate) fn with_parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Adds an operation.
    pub(crate) fn with_operation(mut self, operation: Operation<A>) -> Self {
        self.operations.push(operation);
        self
    }

    /// What a 405 names.
    pub(super) fn allow(&self) -> HeaderValue {
        let methods = self
            .operations
            .iter()
            .map(|operation| match operation.method {
                Method::GET => "GET, HEAD",
                ref method => method.as_str(),
            });
        let methods = methods.collect::<Vec<_>>().join(", ");
        HeaderValue::try_from(methods).expect("methods are tokens")
    }

    /// The Path Item Object.
    pub(super) fn render(&self) -> Value {
        let mut item: Map<_, _> = self
            .operations
            .iter()
            .filter(|operation| operation.is_described)
            .map(|operation| {
                let method = operation.method.as_str().to_ascii_lowercase();
                (method, operation.render())
            })
            .collect();
        if !self.parameters.is_empty() {
            let parameters = self.parameters.iter().map(Parameter::render).collect();
            item.insert("parameters".to_owned(), parameters);
        }
        Value::Object(item)
    }
}
