use http::StatusCode;
use serde_json::{Map, Value, json};

/// One answer of an operation, as the document describes it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: StatusCode,
    description: &'static str,
    headers: Map<String, Value>,
    content: Map<String, Value>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn new(status: StatusCode, description: &'static str) -> Self {
        Self {
            status,
            description,
            headers: Map::new(),
            content: Map::new(),
        }
    }

    /// Adds a body.
    pub(crate) fn with_content(mut self, media_type: &str, schema: &Value) -> Self {
        self.content
            .insert(media_type.to_owned(), json!({"schema": schema}));
        self
    }

    /// Adds a body that is no text, and has no schema.
    pub(crate) fn with_bytes(mut self, media_type: &str) -> Self {
        self.content.insert(media_type.to_owned(), json!({}));
        self
    }

    /// Gives the body an example.
    pub(crate) fn with_example(mut self, example: &Value) -> Self {
        for content in self.content.values_mut() {
            content["example"] = example.clone();
        }
        self
    }

    /// Adds a header that every such answer has.
    pub(crate) fn with_header(self, name: &str, description: &str) -> Self {
        self.header(name, description, true)
    }

    /// Adds a header that some of these answers have.
    pub(crate) fn with_optional_header(self, name: &str, description: &str) -> Self {
        self.header(name, description, false)
    }

    fn header(mut self, name: &str, description: &str, required: bool) -> Self {
        let header = json!({
            "description": description,
            "required": required,
            "schema": {"type": "string"},
        });
        self.headers.insert(name.to_owned(), header);
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The Response Object.
    pub(super) fn render(&self) -> Value {
        let mut response = Map::from_iter([("description".to_owned(), json!(self.description))]);
        for (key, part) in [("headers", &self.headers), ("content", &self.content)] {
            if !part.is_empty() {
                response.insert(key.to_owned(), Value::Object(part.clone()));
            }
        }
        Value::Object(response)
    }
}

/// What the shared answer of a status is called: `NotFound`.
pub(super) fn shared_name(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("Error");
    reason.split(' ').collect()
}
