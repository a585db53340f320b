//! What the change of one node in 10,000 costs, and whether requests feel it.

use std::{
    io,
    time::{Duration, Instant},
};

use switchgear_benches::fleet::{CHECKED, GOOD};
use switchgear_core::{
    Moment,
    backend::{Backend, Weight},
    balance::{Check, Fleet, NodeId},
};

use crate::{
    fixture::{Named, Weights, a_ready_node, members, strategies},
    limits::Limits,
};

/// How many nodes there are.
pub(crate) const NODES: usize = 10_000;
/// How often each change is made.
const CHANGES: usize = 21;
/// The longest that a change may take until requests see it, in milliseconds.
const AT_MOST: f64 = 5.0;

/// How long each change takes, at the median, and the part of it that publishes.
pub(crate) fn duration(limits: &mut Limits) -> io::Result<()> {
    for strategy in strategies() {
        let name = format!("change: {}, weight", strategy.name);
        times(limits, &name, &strategy, Changing::change_weight)?;
        let name = format!("change: {}, health", strategy.name);
        times(limits, &name, &strategy, Changing::flip_health)?;
    }
    Ok(())
}

fn times(
    limits: &mut Limits,
    name: &str,
    strategy: &Named,
    change: impl Fn(&mut Changing) -> Timing,
) -> io::Result<()> {
    if !limits.asks_for(name) {
        return Ok(());
    }
    let mut changing = Changing::new(strategy);
    let timings: Vec<_> = (0..CHANGES).map(|_| change(&mut changing)).collect();
    let median = |of: fn(&Timing) -> Duration| {
        let mut durations: Vec<_> = timings.iter().map(of).collect();
        durations.sort_unstable();
        durations[durations.len() / 2].as_secs_f64() * 1e3
    };
    limits.figure(&format!("{name}, in all"), "ms", AT_MOST, || {
        median(|timing| timing.whole)
    })?;
    limits.figure(&format!("{name}, publishing"), "ms", AT_MOST, || {
        median(|timing| timing.publishing)
    })
}

/// A fleet one of whose nodes keeps changing.
pub(crate) struct Changing {
    fleet: Fleet,
    node: NodeId,
    listed: Vec<Backend>,
    now: Moment,
    changes: u16,
}

/// How long a change took.
pub(crate) struct Timing {
    whole: Duration,
    publishing: Duration,
}

impl Changing {
    pub(crate) fn new(strategy: &Named) -> Self {
        let fleet = strategy.fleet(NODES, Weights::Equal);
        Self {
            node: a_ready_node(&fleet),
            fleet,
            listed: members(NODES, Weights::Equal),
            now: CHECKED,
            changes: 0,
        }
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Discovery lists all nodes, one of them with another weight.
    pub(crate) fn change_weight(&mut self) -> Timing {
        self.step();
        if let Some(backend) = self.listed.get_mut(NODES / 2) {
            backend.weight = Weight::new(2 + self.changes % 7);
        }
        let listed = self.listed.clone();
        self.time(|fleet, now| {
            fleet.update(listed, now);
        })
    }

    /// A check fails, or succeeds again.
    pub(crate) fn flip_health(&mut self) -> Timing {
        self.step();
        let good = self.changes.is_multiple_of(2);
        let (node, check) = (self.node, if good { GOOD } else { Check::Bad });
        self.time(|fleet, now| {
            fleet.checked(node, check, now);
        })
    }

    /// Goes on to when a publication does not wait for the last one's sake.
    fn step(&mut self) {
        self.now = self.now + Duration::from_secs(1);
        self.changes = self.changes.wrapping_add(1);
    }

    fn time(&mut self, change: impl FnOnce(&mut Fleet, Moment)) -> Timing {
        let begin = Instant::now();
        change(&mut self.fleet, self.now);
        let changed = Instant::now();
        let wait = self.fleet.publish(self.now);
        let end = Instant::now();
        assert!(wait.is_none(), "the partition is published at once");
        Timing {
            whole: end - begin,
            publishing: end - changed,
        }
    }
}
