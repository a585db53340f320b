//! What the change of one node in 10,000 costs, and whether requests feel it.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use switchgear_benches::{
    fleet::{CHECKED, GOOD, partition},
    limits::Limits,
};
use switchgear_core::{
    Moment,
    backend::{Backend, Weight},
    balance::{Check, Fleet, FleetView, NodeId, PartitionNumber, Picker},
};

use crate::fixture::{Named, Weights, a_ready_node, members, strategies};

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
    let milliseconds = |of: fn(&Timing) -> Duration| {
        let durations = timings.iter().map(of);
        durations
            .map(|duration| duration.as_secs_f64() * 1e3)
            .collect()
    };
    limits.figures(&format!("{name}, in all"), "ms", AT_MOST, || {
        milliseconds(|timing| timing.whole)
    })?;
    limits.figures(&format!("{name}, publishing"), "ms", AT_MOST, || {
        milliseconds(|timing| timing.publishing)
    })
}

/// A fleet one of whose nodes keeps changing.
pub(crate) struct Changing {
    fleet: Fleet,
    view: Arc<FleetView>,
    number: PartitionNumber,
    node: NodeId,
    listed: Vec<Backend>,
    now: Moment,
    weights: u16,
    healthy: bool,
}

/// How long a change took.
pub(crate) struct Timing {
    whole: Duration,
    publishing: Duration,
}

impl Changing {
    pub(crate) fn new(strategy: &Named) -> Self {
        let fleet = strategy.fleet(NODES, Weights::Equal);
        let view = fleet.view();
        Self {
            number: view.number(&partition(0)).expect("it is served"),
            view,
            node: a_ready_node(&fleet),
            fleet,
            listed: members(NODES, Weights::Equal),
            now: CHECKED,
            weights: 0,
            healthy: true,
        }
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Discovery lists all nodes, one of them with another weight.
    pub(crate) fn change_weight(&mut self) -> Timing {
        self.weights = self.weights.wrapping_add(1);
        if let Some(backend) = self.listed.get_mut(NODES / 2) {
            backend.weight = Weight::new(2 + self.weights % 7);
        }
        // Lent: what a caller does with the list afterwards is no part of the change.
        self.time(|fleet, listed, now| {
            fleet.update(listed, now);
        })
    }

    /// A check fails, or succeeds again.
    pub(crate) fn flip_health(&mut self) -> Timing {
        self.healthy = !self.healthy;
        let (node, check) = (self.node, if self.healthy { GOOD } else { Check::Bad });
        self.time(|fleet, _, now| {
            fleet.checked(node, check, now);
        })
    }

    /// Makes a change and publishes it, at a time when no publication waits for the last one's sake.
    fn time(&mut self, change: impl FnOnce(&mut Fleet, &[Backend], Moment)) -> Timing {
        self.now = self.now + Duration::from_secs(1);
        let before = self.picker();
        let begin = Instant::now();
        change(&mut self.fleet, &self.listed, self.now);
        let changed = Instant::now();
        let wait = self.fleet.publish(self.now);
        let end = Instant::now();
        assert!(wait.is_none(), "the partition is published at once");
        assert_ne!(before, self.picker(), "the change is published");
        Timing {
            whole: end - begin,
            publishing: end - changed,
        }
    }

    /// The present picker, to tell it from the next: that one is built while this one lives.
    fn picker(&self) -> *const Picker {
        let picker = self.view.picker(self.number);
        Arc::as_ptr(&picker.expect("the number is the view's own"))
    }
}
