use serde_json::{Value, json};

/// A parameter of an operation, or of all operations of a path.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    name: &'static str,
    place: Place,
    description: &'static str,
    required: bool,
    schema: Value,
    example: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Query,
    Header,
}

impl Parameter {
    /// A segment of the path.
    pub(crate) fn path(name: &'static str, description: &'static str, schema: Value) -> Self {
        Self {
            required: true,
            ..Self::new(Place::Path, name, description, schema)
        }
    }

    /// A parameter of the query, which may be left out.
    pub(crate) fn query(name: &'static str, description: &'static str, schema: Value) -> Self {
        Self::new(Place::Query, name, description, schema)
    }

    /// `If-None-Match`, of what has an `ETag`.
    pub(crate) fn if_none_match() -> Self {
        let description =
            "Tags that are known already, quoted, as a list or `*`: 304 if one still holds.";
        Self::header("If-None-Match", description)
    }

    /// A header of the request, which may be left out.
    pub(crate) fn header(name: &'static str, description: &'static str) -> Self {
        Self::new(Place::Header, name, description, json!({"type": "string"}))
    }

    /// Makes it one that must be there.
    pub(crate) fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// Gives it an example.
    pub(crate) fn with_example(self, example: impl Into<Value>) -> Self {
        Self {
            example: Some(example.into()),
            ..self
        }
    }

    fn new(place: Place, name: &'static str, description: &'static str, schema: Value) -> Self {
        Self {
            name,
            place,
            description,
            required: false,
            schema,
            example: None,
        }
    }

    /// The Parameter Object.
    pub(super) fn render(&self) -> Value {
        let place = match self.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
        };
        let mut parameter = json!({
            "name": self.name,
            "in": place,
            "description": self.description,
            "required": self.required,
            "schema": self.schema,
        });
        if let Some(example) = &self.example {
            parameter["example"] = example.clone();
        }
        parameter
    }
}
