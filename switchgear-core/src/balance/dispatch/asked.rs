use std::sync::Arc;

use crate::balance::{Node, NodeId};

/// Whom one round has asked.
#[derive(Debug, Default)]
pub(in crate::balance) struct Asked {
    /// In order, for a search that stays short when a whole fleet fails.
    nodes: Vec<NodeId>,
    /// How many of them were probed beside others, which nobody waits for.
    probed: usize,
}

impl Asked {
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.probed = 0;
    }

    pub(in crate::balance) fn ask(&mut self, id: NodeId) {
        if let Err(place) = self.nodes.binary_search(&id) {
            self.nodes.insert(place, id);
        }
    }

    /// Takes note of a node that is asked beside a candidate, for its own sake.
    pub(super) fn probe(&mut self, id: NodeId) {
        self.ask(id);
        self.probed += 1;
    }

    pub(in crate::balance) fn contains(&self, id: NodeId) -> bool {
        self.nodes.binary_search(&id).is_ok()
    }

    /// How many of `nodes` were asked.
    pub(super) fn count_among<'a>(&self, nodes: impl Iterator<Item = &'a Arc<Node>>) -> usize {
        if self.nodes.is_empty() {
            return 0; // As for nearly all requests: no look at a whole fleet for nothing.
        }
        nodes.filter(|node| self.contains(node.id())).count()
    }

    /// How many were asked, but for probes.
    pub(super) fn count(&self) -> usize {
        self.nodes.len().saturating_sub(self.probed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_each_node_once_and_counts_no_probes() {
        let mut asked = Asked::default();
        for id in [3, 1, 3, 2] {
            asked.ask(NodeId(id));
        }
        asked.probe(NodeId(5));
        assert_eq!(asked.count(), 3);
        assert!(asked.contains(NodeId(5)) && !asked.contains(NodeId(4)));
        asked.clear();
        assert_eq!(asked.count(), 0);
        assert!(!asked.contains(NodeId(5)));
    }
}
