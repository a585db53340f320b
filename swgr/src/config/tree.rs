//! YAML as a small tree that remembers where each part stood.
//!
//! Anchors, aliases, merge keys and tags are refused: a configuration needs none of them, and
//! aliases are how a few lines of YAML grow to gigabytes.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::report::{Position, Sink};

/// How deep a configuration may nest; the deepest key there is stands at four.
const MAX_DEPTH: usize = 16;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// Something whose error is reported already.
    Refused,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) quoted: bool,
    /// Whether a variable took part in the text.
    pub(super) expanded: bool,
}

impl Scalar {
    /// Whether nothing was said: an empty or `null` value, or a variable that is empty.
    pub(super) fn is_null(&self) -> bool {
        if self.quoted || self.expanded {
            return self.expanded && self.text.is_empty();
        }
        matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

/// A key, where it stands, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Position,
    pub(super) node: Node,
}

/// Parses a file of one document; an empty file is an empty value.
///
/// # Errors
/// Where it is not YAML. YAML that this project refuses goes to `sink`.
pub(super) fn parse(text: &str, sink: &Sink) -> Result<Node, ScanError> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        sink,
        path: Vec::new(),
    };
    builder.stream()
}

/// The position of a parser's marker, whose columns count from 0.
pub(super) fn position(marker: &Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    sink: &'a Sink,
    path: Vec<String>,
}

impl<'a> Builder<'a> {
    fn stream(&mut self) -> Result<Node, ScanError> {
        let mut document: Option<Node> = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(_) if document.is_some() => {
                    self.refuse(span, "a second document begins here", "keep one document");
                }
                Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                event => {
                    let node = self.node(event, span)?;
                    document.get_or_insert(node);
                }
            }
        }
        Ok(document.unwrap_or(Node {
            at: Position { line: 1, column: 1 },
            value: Value::Scalar(plain(String::new())),
        }))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, ScanError> {
        self.parser.next_event().transpose()
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, ScanError> {
        let (anchor, tagged) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor, tag.is_some())
            }
            Event::Alias(_) => (1, false),
            _ => (0, false),
        };
        if anchor > 0 {
            let hint = "write the value out, or use a variable";
            self.refuse(span, "anchors and aliases are not supported", hint);
        }
        if tagged {
            self.refuse(span, "tags are not supported", "leave the tag out");
        }
        let value = match event {
            Event::Scalar(text, style, _, _) => Value::Scalar(Scalar {
                text: text.into_owned(),
                quoted: style != ScalarStyle::Plain,
                expanded: false,
            }),
            Event::SequenceStart(..) => self.sequence(span)?,
            Event::MappingStart(..) => self.mapping(span)?,
            _ => Value::Refused,
        };
        let at = position(&span.start);
        Ok(Node { at, value })
    }

    fn sequence(&mut self, start: Span) -> Result<Value, ScanError> {
        self.check_depth(start)?;
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::SequenceEnd {
                break;
            }
            self.path.push(format!("[{}]", items.len()));
            items.push(self.node(event, span)?);
            self.path.pop();
        }
        Ok(Value::Sequence(items))
    }

    fn mapping(&mut self, start: Span) -> Result<Value, ScanError> {
        self.check_depth(start)?;
        let mut entries: Vec<Entry> = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::MappingEnd {
                break;
            }
            let key = self.key(event, span)?;
            self.path.push(key.clone().unwrap_or_default());
            let value = match self.next()? {
                Some((event, span)) => Some(self.node(event, span)?),
                None => None,
            };
            let earlier = entries
                .iter()
                .find(|entry| Some(&entry.key) == key.as_ref());
            if let Some(earlier) = earlier {
                let message = format!("the key stands twice, first in line {}", earlier.at.line);
                self.refuse(span, &message, "keep one of the two");
            } else if let (Some(key), Some(node)) = (key, value) {
                let at = position(&span.start);
                entries.push(Entry { key, at, node });
            }
            self.path.pop();
        }
        Ok(Value::Mapping(entries))
    }

    /// The key's text; `None` when it is refused.
    fn key(&mut self, event: Event<'a>, span: Span) -> Result<Option<String>, ScanError> {
        let node = self.node(event, span)?;
        match node.value {
            Value::Scalar(scalar) if scalar.text == "<<" && !scalar.quoted => {
                let hint = "write the keys out";
                self.refuse(span, "merge keys are not supported", hint);
                Ok(None)
            }
            Value::Scalar(scalar) => Ok(Some(scalar.text)),
            Value::Refused => Ok(None),
            Value::Sequence(_) | Value::Mapping(_) => {
                self.refuse(span, "a key must be plain text", "quote it");
                Ok(None)
            }
        }
    }

    /// Ends the parse as a whole: what nests deeper is no configuration.
    fn check_depth(&self, span: Span) -> Result<(), ScanError> {
        if self.path.len() >= MAX_DEPTH {
            let message = format!("nests deeper than {MAX_DEPTH} levels");
            return Err(ScanError::new(span.start, message));
        }
        Ok(())
    }

    fn refuse(&self, span: Span, message: &str, hint: &str) {
        let at = position(&span.start);
        self.sink
            .error(at, &self.path.join("."), message, Some(hint.to_owned()));
    }
}

fn plain(text: String) -> Scalar {
    Scalar {
        text,
        quoted: false,
        expanded: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let sink = Sink::default();
        parse(text, &sink).unwrap();
        let (errors, _) = sink.into_problems();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn remembers_where_each_part_stood() {
        let sink = Sink::default();
        let root = parse("# head\na:\n  b: [1, 'x']\n", &sink).unwrap();
        let Value::Mapping(entries) = &root.value else {
            panic!("{root:?}")
        };
        assert_eq!(entries[0].at, Position { line: 2, column: 1 });
        let Value::Mapping(inner) = &entries[0].node.value else {
            panic!("{root:?}")
        };
        assert_eq!(inner[0].key, "b");
        let Value::Sequence(items) = &inner[0].node.value else {
            panic!("{root:?}")
        };
        assert_eq!(
            items[1].at,
            Position {
                line: 3,
                column: 10
            }
        );
        assert!(matches!(&items[1].value, Value::Scalar(scalar) if scalar.quoted));
    }

    #[test]
    fn refuses_what_makes_yaml_bombs() {
        assert_eq!(
            errors("a: &x [1]\nb: *x\n"),
            [
                "1:4: a: anchors and aliases are not supported (hint: write the value out, or use a variable)",
                "2:4: b: anchors and aliases are not supported (hint: write the value out, or use a variable)",
            ]
        );
        assert!(errors("a: !!str 5\n")[0].contains("tags are not supported"));
        let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
        let error = parse(&deep, &Sink::default()).unwrap_err();
        assert_eq!(error.info(), "nests deeper than 16 levels");
    }

    #[test]
    fn refuses_a_key_that_stands_twice() {
        assert_eq!(
            errors("a: 1\nb: 2\na: 3\n"),
            ["3:1: a: the key stands twice, first in line 1 (hint: keep one of the two)"]
        );
    }
}
