use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    Answer, Parameter,
    answer::shared_name,
    schema::{self, JSON},
};

/// One method on one path. HEAD comes with GET, and is none of its own.
#[derive(Debug)]
pub(crate) struct Operation<A> {
    pub(super) method: Method,
    pub(super) action: A,
    id: &'static str,
    summary: &'static str,
    pub(super) is_described: bool,
    is_open: bool,
    parameters: Vec<Parameter>,
    body: Option<Value>,
    answers: Vec<Answer>,
    refusals: &'static [StatusCode],
}

impl<A> Operation<A> {
    pub(crate) fn new(method: Method, id: &'static str, summary: &'static str, action: A) -> Self {
        Self {
            id,
            summary,
            is_described: true,
            ..Self::implied(method, action)
        }
    }

    /// What comes with every path, as HEAD does with GET, and is no operation of the document.
    pub(crate) fn implied(method: Method, action: A) -> Self {
        Self {
            method,
            action,
            id: "",
            summary: "",
            is_described: false,
            is_open: false,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            refusals: &[],
        }
    }

    /// Needs no token, where the service's other operations do.
    pub(crate) fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    pub(crate) fn with_parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Takes a JSON body of the schema of that name, and of at most 2 MiB.
    pub(crate) fn with_body(mut self, schema: &str, example: &Value) -> Self {
        let content = json!({"schema": schema::of(schema), "example": example});
        self.body = Some(json!({"required": true, "content": {JSON: content}}));
        self
    }

    /// What it answers when all is well.
    pub(crate) fn with_answer(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// What it answers else; each status is described once for the whole service.
    pub(crate) fn refusing(mut self, statuses: &'static [StatusCode]) -> Self {
        self.refusals = statuses;
        self
    }

    /// The Operation Object.
    pub(super) fn render(&self) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "responses": self.responses(),
        });
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.iter().map(Parameter::render).collect();
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        if self.is_open {
            operation["security"] = json!([]);
        }
        operation
    }

    fn responses(&self) -> Value {
        let own = self.answers.iter().map(|answer| {
            let status = answer.status().as_str().to_owned();
            (status, answer.render())
        });
        let shared = self.refusals.iter().map(|status| {
            let name = format!("#/components/responses/{}", shared_name(*status));
            (status.as_str().to_owned(), json!({"$ref": name}))
        });
        Value::Object(own.chain(shared).collect::<Map<_, _>>())
    }
}
