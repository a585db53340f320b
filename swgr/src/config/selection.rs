//! `backend-selection`, in its three spellings: `consistent`, `{type: consistent, max-iterations: N}`
//! and `{consistent: {max_iterations: N}}`.

use super::{
    reader::{Section, join},
    report::Position,
    scalar::{integer, number},
    tree::{Entry, Value},
};

const STRATEGIES: [&str; 4] = ["round-robin", "random", "consistent", "adaptive"];

/// Checks the strategy; the only one that this version acts on is round robin.
pub(super) fn check(section: &mut Section<'_>) {
    const KEY: &str = "backend-selection";

    let Some(node) = section.raw(KEY) else { return };
    let path = join(section.path(), KEY);
    let sink = section.sink();
    let strategy = match &node.value {
        Value::Scalar(scalar) if scalar.is_null() => None,
        Value::Scalar(scalar) => named(scalar.text.trim(), node.at, &path, section),
        Value::Mapping(entries) => match entries.as_slice() {
            [entry] if STRATEGIES.contains(&entry.key.as_str()) => nested(entry, &path, section),
            _ => typed(Section::open(node, node.at, &path, sink)),
        },
        Value::Sequence(_) => {
            sink.error(node.at, &path, "must be a strategy, not a list", None);
            None
        }
        Value::Refused => None,
    };
    if let Some(strategy) = strategy.filter(|strategy| *strategy != "round-robin") {
        section.unsupported(KEY, &format!("`{strategy}`"), "use round-robin");
    }
}

fn named(name: &str, at: Position, path: &str, section: &Section<'_>) -> Option<&'static str> {
    let found = STRATEGIES.into_iter().find(|strategy| *strategy == name);
    if found.is_none() {
        let message = format!("must be one of {}, not `{name}`", STRATEGIES.join(", "));
        let hint = super::reader::nearest(name, STRATEGIES.into_iter());
        section.sink().error(at, path, message, hint);
    }
    found
}

fn typed(mut section: Section<'_>) -> Option<&'static str> {
    let hint = "one of round-robin, random, consistent, adaptive";
    let name = section.required("type", hint, |leaf| Ok(leaf.text().trim().to_owned()));
    let strategy = name.and_then(|name| {
        let at = section.position("type");
        named(&name, at, &join(section.path(), "type"), &section)
    });
    options(section, strategy);
    strategy
}

fn nested(entry: &Entry, path: &str, parent: &Section<'_>) -> Option<&'static str> {
    let strategy = STRATEGIES.into_iter().find(|name| *name == entry.key);
    let path = join(path, &entry.key);
    options(
        Section::open(&entry.node, entry.at, &path, parent.sink()),
        strategy,
    );
    strategy
}

/// Checks what stands beside the strategy's name.
fn options(mut section: Section<'_>, strategy: Option<&str>) {
    if strategy == Some("consistent") {
        section.leaf(("max-iterations", "max_iterations"), integer(1..=u32::MAX));
        section.leaf(("load-factor", "load_factor"), number(1.0..=1_000.0));
    }
    section.finish();
}
