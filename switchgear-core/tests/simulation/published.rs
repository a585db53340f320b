use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi, Moment,
    balance::{AffinityKey, Node, NodeId, Pick, Picker},
};

use super::model::{Model, Range};

/// One partition as requests see it since some step.
#[derive(Debug)]
pub struct Published {
    pub picker: Arc<Picker>,
    pub at: Option<Moment>,
    pub ready: BTreeMap<NodeId, Ready>,
    pub ejected: BTreeMap<NodeId, Arc<Node>>,
    /// As the model has it: the API shows only whom a request may ask anyway.
    pub dormant: BTreeSet<NodeId>,
    /// All that are eligible, and the step since which each publication lists them.
    pub eligible: BTreeMap<NodeId, u64>,
}

/// A ready node of a publication.
#[derive(Debug, Clone)]
pub struct Ready {
    pub node: Arc<Node>,
    /// The step since which each publication has it ready.
    pub since: u64,
    /// What it was in range of by its last reading, and until when that counts.
    pub range: Option<Range>,
}

impl Published {
    /// Looks at a picker that was swapped in behind `before`.
    pub fn new(
        picker: Arc<Picker>,
        model: &Model,
        partition: usize,
        now: Moment,
        step: u64,
        before: Option<&Self>,
    ) -> Self {
        let ready = picker.ready().iter().map(|node| {
            let known = before.and_then(|before| before.ready.get(&node.id()));
            let ready = Ready {
                node: Arc::clone(node),
                since: known.map_or(step, |known| known.since),
                range: model.range(node.id()),
            };
            (node.id(), ready)
        });
        let ready: BTreeMap<_, _> = ready.collect();
        let mut rng = StdRng::seed_from_u64(0);
        let all = picker.candidates(&pick(now, Millisatoshi::new(0)), &mut rng);
        let ejected = all
            .skip(ready.len())
            .map(|node| (node.id(), Arc::clone(node)));
        let mut published = Self {
            ejected: ejected.collect(),
            dormant: model.dormant(partition),
            eligible: BTreeMap::new(),
            at: before.map(|_| now),
            ready,
            picker,
        };
        let since = |id| before.and_then(|before| before.eligible.get(&id)).copied();
        let ids = published
            .candidates()
            .chain(published.dormant.iter().copied());
        published.eligible = ids.map(|id| (id, since(id).unwrap_or(step))).collect();
        published
    }

    pub fn node(&self, id: NodeId) -> Option<&Arc<Node>> {
        let ready = self.ready.get(&id).map(|ready| &ready.node);
        ready.or_else(|| self.ejected.get(&id))
    }

    /// All whom a round would ask.
    pub fn candidates(&self) -> impl Iterator<Item = NodeId> {
        self.ready.keys().chain(self.ejected.keys()).copied()
    }

    pub fn len(&self) -> usize {
        self.ready.len() + self.ejected.len()
    }

    pub fn lists(&self, id: NodeId) -> bool {
        self.eligible.contains_key(&id)
    }

    /// Where a candidate stands for an amount at a moment: in range, ready otherwise, or ejected.
    pub fn rank(&self, id: NodeId, amount: Millisatoshi, now: Moment, biased: bool) -> Option<u8> {
        if self.ejected.contains_key(&id) {
            return Some(2);
        }
        let ready = self.ready.get(&id)?;
        let in_range = |range: Range| amount <= range.limit && now <= range.until;
        let first = !biased || ready.range.is_some_and(in_range);
        Some(u8::from(!first))
    }
}

/// A choice that no strategy counts turns for where it can help it.
pub fn pick(now: Moment, amount: Millisatoshi) -> Pick {
    Pick {
        now,
        amount,
        key: Some(AffinityKey::of(b"law")),
    }
}
