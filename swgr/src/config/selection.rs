use std::num::NonZeroU32;

use switchgear_core::balance::LoadFactor;

use super::{
    reader::{Section, join, nearest},
    report::Position,
    scalar::{integer, number},
    tree::{Entry, Node, Value},
};

/// `backend-selection`: how invoices are shared out among the ready nodes, by default in turns.
///
/// Three spellings say the same: `consistent`, `{type: consistent, max-iterations: N}` and
/// `{consistent: {max_iterations: N}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    /// In turns, by weight.
    #[default]
    RoundRobin,
    /// At random, by weight.
    Random,
    /// By the payer's comment: the same one goes to the same node.
    Consistent {
        /// `max-iterations`: how many nodes a round asks, by default all.
        max_iterations: Option<NonZeroU32>,
        /// `load-factor`: the cap on a node's share of the calls under way, by default none.
        load_factor: Option<LoadFactor>,
    },
    /// The quicker one of two drawn at random.
    Adaptive,
}

const KEY: &str = "backend-selection";

const CONSISTENT: Selection = Selection::Consistent {
    max_iterations: None,
    load_factor: None,
};

/// Each without its options.
const SELECTIONS: [(&str, Selection); 4] = [
    ("round-robin", Selection::RoundRobin),
    ("random", Selection::Random),
    ("consistent", CONSISTENT),
    ("adaptive", Selection::Adaptive),
];

fn names() -> impl Iterator<Item = &'static str> {
    SELECTIONS.into_iter().map(|(name, _)| name)
}

/// Reads `backend-selection`; the default stands for what is wrong, and is reported.
pub(super) fn read(section: &mut Section<'_>) -> Selection {
    let node = section.raw(KEY);
    node.and_then(|node| read_node(node, section))
        .unwrap_or_default()
}

fn read_node(node: &Node, section: &Section<'_>) -> Option<Selection> {
    let path = join(section.path(), KEY);
    let sink = section.sink();
    match &node.value {
        Value::Scalar(scalar) if scalar.is_null() => None,
        Value::Scalar(scalar) => named(scalar.text.trim(), node.at, &path, section),
        Value::Mapping(entries) => match entries.as_slice() {
            [entry] if nearest(&entry.key, names()).is_some() => nested(entry, &path, section),
            _ => typed(Section::open(node, node.at, &path, sink)),
        },
        Value::Sequence(_) => {
            sink.error(node.at, &path, "must be a strategy, not a list", None);
            None
        }
        Value::Refused => None,
    }
}

fn named(name: &str, at: Position, path: &str, section: &Section<'_>) -> Option<Selection> {
    let found = SELECTIONS.into_iter().find(|(known, _)| *known == name);
    if found.is_none() {
        let all: Vec<_> = names().collect();
        let message = format!("must be one of {}, not `{name}`", all.join(", "));
        section
            .sink()
            .error(at, path, message, nearest(name, names()));
    }
    found.map(|(_, selection)| selection)
}

fn typed(mut section: Section<'_>) -> Option<Selection> {
    let all: Vec<_> = names().collect();
    let hint = format!("one of {}", all.join(", "));
    let name = section.required("type", &hint, |leaf| Ok(leaf.text().trim().to_owned()));
    let selection = name.and_then(|name| {
        let at = section.position("type");
        named(&name, at, &join(section.path(), "type"), &section)
    });
    options(section, selection)
}

fn nested(entry: &Entry, path: &str, parent: &Section<'_>) -> Option<Selection> {
    let selection = named(&entry.key, entry.at, path, parent);
    let path = join(path, &entry.key);
    let section = Section::open(&entry.node, entry.at, &path, parent.sink());
    options(section, selection)
}

/// Reads what stands beside the strategy's name. That of one which nobody knows may be any strategy's.
fn options(mut section: Section<'_>, selection: Option<Selection>) -> Option<Selection> {
    let options = match selection {
        Some(Selection::Consistent { .. }) | None => consistent(&mut section),
        Some(other) => other,
    };
    section.finish();
    selection.and(Some(options))
}

fn consistent(section: &mut Section<'_>) -> Selection {
    let max_iterations = section.leaf(("max-iterations", "max_iterations"), |leaf| {
        integer(1..=u32::MAX)(leaf).map(NonZeroU32::new)
    });
    let load_factor = section.leaf(("load-factor", "load_factor"), |leaf| {
        let factor = number(1.0..=LoadFactor::MAX)(leaf)?;
        LoadFactor::try_new(factor).map_err(|error| error.reason().to_owned())
    });
    Selection::Consistent {
        max_iterations: max_iterations.flatten(),
        load_factor,
    }
}
