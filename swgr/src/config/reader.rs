//! Typed leaves out of the positioned tree: what is wrong goes to the sink, and reading goes on.

use std::path::PathBuf;

use super::{
    files::{FileKind, NamedFile},
    report::{Position, Sink},
    tree::{Entry, Node, Scalar, Value},
};

/// A key by its name, and by its other spelling where one is in use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    name: &'static str,
    alias: Option<&'static str>,
}

impl From<&'static str> for Key {
    fn from(name: &'static str) -> Self {
        Self { name, alias: None }
    }
}

impl From<(&'static str, &'static str)> for Key {
    fn from((name, alias): (&'static str, &'static str)) -> Self {
        Self {
            name,
            alias: Some(alias),
        }
    }
}

/// A mapping that is being read; [`Self::finish`] reports the keys that nobody asked for.
#[derive(Debug)]
pub(super) struct Section<'a> {
    path: String,
    at: Position,
    entries: &'a [Entry],
    known: Vec<Key>,
    sink: &'a Sink,
}

impl<'a> Section<'a> {
    /// The mapping that `node` must be; nothing at all counts as an empty one.
    pub(super) fn open(node: &'a Node, at: Position, path: &str, sink: &'a Sink) -> Self {
        let entries: &[Entry] = match &node.value {
            Value::Mapping(entries) => entries,
            Value::Refused => &[],
            Value::Scalar(scalar) if scalar.is_null() => &[],
            Value::Scalar(_) | Value::Sequence(_) => {
                sink.error(node.at, path, "must be a mapping of keys", None);
                &[]
            }
        };
        Self {
            path: path.to_owned(),
            at,
            entries,
            known: Vec::new(),
            sink,
        }
    }

    pub(super) fn at(&self) -> Position {
        self.at
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn sink(&self) -> &'a Sink {
        self.sink
    }

    /// The section below `key`, if the key is there.
    pub(super) fn child(&mut self, key: impl Into<Key>) -> Option<Section<'a>> {
        let entry = self.entry(key)?;
        Some(Section::open(
            &entry.node,
            entry.at,
            &join(&self.path, &entry.key),
            self.sink,
        ))
    }

    /// As [`Self::child`]; a key without a value is as good as none.
    pub(super) fn optional_child(&mut self, key: &'static str) -> Option<Section<'a>> {
        if self.is_given(key) {
            return self.child(key);
        }
        None
    }

    /// Refuses a setting that is valid and has no effect yet.
    pub(super) fn unsupported(&mut self, key: &'static str, what: &str, hint: &str) {
        let at = self.position(key);
        let message = format!("{what} is not supported by this version");
        let path = join(&self.path, key);
        self.sink.error(at, &path, message, Some(hint.to_owned()));
    }

    /// Where the value of `key` stands, or else the section.
    pub(super) fn position(&mut self, key: impl Into<Key>) -> Position {
        let at = self.at;
        self.raw(key).map_or(at, |node| node.at)
    }

    /// Whether `key` is there and has a value.
    pub(super) fn is_given(&mut self, key: impl Into<Key>) -> bool {
        self.raw(key).is_some_and(|node| !is_null(node))
    }

    /// The value of `key` as it stands in the tree, for keys of more than one shape.
    pub(super) fn raw(&mut self, key: impl Into<Key>) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The value of `key`, if it is there and right.
    pub(super) fn leaf<T>(
        &mut self,
        key: impl Into<Key>,
        read: impl Fn(&Leaf<'_>) -> Result<T, String>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        let path = join(&self.path, &entry.key);
        read_node(&entry.node, path, self.sink, read)
    }

    /// As [`Self::leaf`]; a key that is not there is an error with `hint`.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        hint: &str,
        read: impl Fn(&Leaf<'_>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.is_given(key) {
            self.missing(key, hint);
            return None;
        }
        self.leaf(key, read)
    }

    /// Reports that `key` is not there.
    pub(super) fn missing(&self, key: &str, hint: &str) {
        let message = "is missing and has no default";
        let path = join(&self.path, key);
        self.sink
            .error(self.at, &path, message, Some(hint.to_owned()));
    }

    /// A path below `key` to a file of `kind`, which is looked at once all keys are read.
    pub(super) fn required_file(&mut self, key: &'static str, kind: FileKind) -> Option<PathBuf> {
        let hint = kind.hint();
        let read = file_reader(kind, self.sink);
        self.required(key, hint, read)
    }

    /// The values of `key`: a sequence, or comma-separated text.
    pub(super) fn list<T>(
        &mut self,
        key: impl Into<Key>,
        read: impl Fn(&Leaf<'_>) -> Result<T, String>,
    ) -> List<T> {
        let Some(entry) = self.entry(key) else {
            return List::Absent;
        };
        let path = join(&self.path, &entry.key);
        let items = match &entry.node.value {
            Value::Refused => return List::Wrong,
            Value::Scalar(scalar) if scalar.is_null() => return List::Absent,
            Value::Sequence(items) => items.as_slice(),
            Value::Scalar(_) => std::slice::from_ref(&entry.node),
            Value::Mapping(_) => {
                self.sink
                    .error(entry.node.at, &path, "must be a list", None);
                return List::Wrong;
            }
        };
        let whole = matches!(entry.node.value, Value::Scalar(_));
        let items: Vec<_> = items
            .iter()
            .flat_map(|item| split_item(item, whole))
            .filter(|item| !is_null(item))
            .collect();
        let values: Vec<_> = items
            .iter()
            .filter_map(|item| read_node(item, path.clone(), self.sink, &read))
            .collect();
        if values.len() < items.len() {
            return List::Wrong;
        }
        List::Values(values)
    }

    /// Reports every key that was not asked for, with the nearest one that was.
    pub(super) fn finish(self) {
        for entry in self.entries {
            let known = self.known.iter().any(|key| key.is(&entry.key));
            if !known {
                let hint = nearest(&entry.key, self.known.iter().map(|key| key.name));
                let path = join(&self.path, &entry.key);
                self.sink.error(entry.at, &path, "unknown key", hint);
            }
        }
    }

    fn entry(&mut self, key: impl Into<Key>) -> Option<&'a Entry> {
        let key = key.into();
        let first_time = !self.known.iter().any(|known| known.name == key.name);
        self.known.push(key);
        let mut found = self.entries.iter().filter(|entry| key.is(&entry.key));
        let entry = found.next()?;
        if let Some(second) = found.next().filter(|_| first_time) {
            let message = format!("means the same as {} in line {}", entry.key, entry.at.line);
            let path = join(&self.path, &second.key);
            self.sink.error(
                second.at,
                &path,
                message,
                Some("keep one of the two".to_owned()),
            );
        }
        Some(entry)
    }
}

/// What a list key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum List<T> {
    /// The key is not there, or has no value.
    Absent,
    /// At least one value is wrong, and reported.
    Wrong,
    /// The values, possibly none.
    Values(Vec<T>),
}

impl<T> List<T> {
    /// The values, where there are any.
    pub(super) fn into_values(self) -> Vec<T> {
        match self {
            Self::Values(values) => values,
            Self::Absent | Self::Wrong => Vec::new(),
        }
    }
}

/// A scalar that is about to be read as its key's type.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    text: &'a str,
    quoted: bool,
    at: Position,
    path: String,
    sink: &'a Sink,
}

impl Leaf<'_> {
    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The text of a number, without a stray comma behind it.
    pub(super) fn number(&self) -> &str {
        let text = self.text.trim();
        match text.strip_suffix(',') {
            Some(number) if !self.quoted && number.ends_with(|c: char| c.is_ascii_digit()) => {
                let message = "there is a stray comma behind the number";
                self.sink.warning(self.at, &self.path, message);
                number
            }
            _ => text,
        }
    }
}

/// The path of a key below a section.
pub(super) fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

/// `did you mean …?`, where one of `names` is near enough.
pub(super) fn nearest(text: &str, names: impl Iterator<Item = &'static str>) -> Option<String> {
    const NEAR: f64 = 0.75;

    let lower = text.to_lowercase().replace('_', "-");
    names
        .map(|name| (strsim::jaro_winkler(&lower, name), name))
        .filter(|(similarity, _)| *similarity >= NEAR)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| format!("did you mean {name}?"))
}

impl Key {
    fn is(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }
}

/// Reads paths, each to a file of `kind`.
pub(super) fn file_reader(
    kind: FileKind,
    sink: &Sink,
) -> impl Fn(&Leaf<'_>) -> Result<PathBuf, String> {
    move |leaf| {
        let path = PathBuf::from(leaf.text());
        if leaf.text().is_empty() {
            return Err("must be the path of a file".to_owned());
        }
        sink.file(NamedFile {
            path: path.clone(),
            kind: kind.clone(),
            at: leaf.at,
            key: leaf.path.clone(),
        });
        Ok(path)
    }
}

fn is_null(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.is_null())
}

fn read_node<T>(
    node: &Node,
    path: String,
    sink: &Sink,
    read: impl Fn(&Leaf<'_>) -> Result<T, String>,
) -> Option<T> {
    match &node.value {
        Value::Refused => None,
        Value::Scalar(scalar) if scalar.is_null() => None,
        Value::Scalar(scalar) => {
            let leaf = Leaf {
                text: &scalar.text,
                quoted: scalar.quoted,
                at: node.at,
                path,
                sink,
            };
            match read(&leaf) {
                Ok(value) => Some(value),
                Err(message) => {
                    sink.error(node.at, &leaf.path, message, None);
                    None
                }
            }
        }
        Value::Sequence(_) | Value::Mapping(_) => {
            sink.error(node.at, &path, "must be a single value", None);
            None
        }
    }
}

/// An item of a list: split at its commas where it is the whole list or came from a variable.
fn split_item(item: &Node, whole: bool) -> Vec<Node> {
    match &item.value {
        Value::Scalar(scalar) if whole || scalar.expanded => scalar
            .text
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(|text| Node {
                at: item.at,
                value: Value::Scalar(Scalar {
                    text: text.to_owned(),
                    ..scalar.clone()
                }),
            })
            .collect(),
        _ => vec![item.clone()],
    }
}
