use std::{collections::BTreeSet, sync::Arc};

use super::Fleet;
use crate::{
    Moment,
    balance::{NodeId, partition_turns::PartitionTurns},
};

/// What the fleet keeps of one partition that it serves.
#[derive(Debug)]
pub(super) struct Roster {
    /// All that discovery lists for it.
    pub(super) members: BTreeSet<NodeId>,
    /// How many of them are ready, published or not.
    pub(super) ready: usize,
    pub(super) turns: Arc<PartitionTurns>,
    /// When its picker was last published.
    published: Option<Moment>,
}

impl Roster {
    pub(super) fn new(first_turn: u32) -> Self {
        Self {
            members: BTreeSet::new(),
            ready: 0,
            turns: Arc::new(PartitionTurns::new(first_turn)),
            published: None,
        }
    }

    /// Until when the next picker has to wait, if it has to. A clock that went back holds nothing up.
    pub(super) fn wait(&self, now: Moment) -> Option<Moment> {
        let due = self.published? + Fleet::PUBLICATION_PERIOD;
        let wait = due.since(now);
        (!wait.is_zero() && wait <= Fleet::PUBLICATION_PERIOD).then_some(due)
    }

    pub(super) fn set_published(&mut self, now: Moment) {
        self.published = Some(now);
    }
}
