//! What the laws are tried on: fleets of made-up nodes, in virtual time and with seeded chance.

mod traffic;

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi, Moment, Partition,
    backend::{Backend, BackendAddress, Partitions, Weight},
    balance::{
        Adaptive, AffinityKey, Backoff, Check, Consistent, DispatchConfig, EjectionPolicy, Fleet,
        FleetConfig, FleetView, HealthThresholds, NodeId, Pick, Random, RoundRobin, Strategy,
    },
};

pub(crate) use self::traffic::Traffic;

/// A partition is published no more often than this.
pub(crate) const PUBLICATION_PERIOD: Duration = Duration::from_millis(50);

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn partition(name: &str) -> Partition {
    Partition::try_new(name).unwrap()
}

pub(crate) fn partitions(names: &[&str]) -> Partitions {
    Partitions::try_new(names.iter().map(|name| partition(name))).unwrap()
}

/// The address of the node with this number.
pub(crate) fn address(number: usize) -> BackendAddress {
    BackendAddress::try_from_url(&format!("https://n{number}.example.com")).unwrap()
}

/// The enabled backend of this number and weight, in these partitions.
pub(crate) fn backend(number: usize, weight: u16, names: &[&str]) -> Backend {
    let implementation = serde_json::json!({
        "type": "lndGrpc",
        "url": "https://127.0.0.1:10009",
        "auth": {"type": "path", "tlsCertPath": "/tls.cert", "macaroonPath": "/m"},
        "ampInvoice": false
    });
    Backend {
        address: address(number),
        name: None,
        partitions: partitions(names),
        weight: Weight::new(weight),
        enabled: true,
        implementation: serde_json::from_value(implementation).unwrap(),
    }
}

/// Backends of these weights in partition `a`, numbered from 0.
pub(crate) fn backends(weights: &[u16]) -> Vec<Backend> {
    let weights = weights.iter().enumerate();
    weights
        .map(|(number, weight)| backend(number, *weight, &["a"]))
        .collect()
}

/// A fleet that serves these partitions by this strategy.
pub(crate) fn config(names: &[&str], strategy: Arc<dyn Strategy>) -> FleetConfig {
    let mut config = FleetConfig::new(names.iter().map(|name| partition(name)).collect());
    config.strategy = strategy;
    config
}

pub(crate) fn thresholds(rise: u32, fall: u32) -> HealthThresholds {
    HealthThresholds {
        rise: NonZeroU32::new(rise).unwrap(),
        fall: NonZeroU32::new(fall).unwrap(),
    }
}

/// An ejection after three failures, for `initial` doubling to `max`.
pub(crate) fn ejection(initial: Duration, max: Duration) -> EjectionPolicy {
    EjectionPolicy {
        initial,
        max,
        ..EjectionPolicy::from_thresholds(HealthThresholds::default())
    }
}

/// One round, 5 s a request, 2 s a call.
pub(crate) fn one_round() -> DispatchConfig {
    DispatchConfig {
        deadline: 5 * SECOND,
        attempt_limit: 2 * SECOND,
        hedge_after: None,
        max_iterations: None,
        backoff: Backoff::Stop,
    }
}

/// Each strategy, and what to call it in a failure.
pub(crate) fn strategies() -> [(&'static str, Arc<dyn Strategy>); 4] {
    [
        ("round robin", Arc::new(RoundRobin)),
        ("random", Arc::new(Random)),
        ("consistent", Arc::new(Consistent::default())),
        ("adaptive", Arc::new(Adaptive)),
    ]
}

/// The key of a comment with this number.
pub(crate) fn key(number: u64) -> AffinityKey {
    AffinityKey::of(format!("comment {number}").as_bytes())
}

/// A fleet, and what time it is there.
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    pub(crate) view: Arc<FleetView>,
    pub(crate) now: Moment,
    pub(crate) rng: StdRng,
    /// The present name of each node that was started, by its address.
    pub(crate) ids: BTreeMap<BackendAddress, NodeId>,
}

impl World {
    pub(crate) fn new(config: FleetConfig, seed: u64) -> Self {
        let fleet = Fleet::new(config);
        Self {
            view: fleet.view(),
            fleet,
            now: Moment::ORIGIN + SECOND,
            rng: StdRng::seed_from_u64(seed),
            ids: BTreeMap::new(),
        }
    }

    /// With these backends, all healthy and published.
    pub(crate) fn healthy(config: FleetConfig, backends: Vec<Backend>) -> Self {
        let mut world = Self::new(config, 1);
        world.list(backends);
        world.publish();
        world
    }

    /// Takes a snapshot of discovery, and a good check of each node that it starts.
    pub(crate) fn list(&mut self, backends: Vec<Backend>) {
        let update = self.fleet.update(backends, self.now);
        for started in update.started {
            self.ids.insert(started.backend.address, started.id);
            let good = Check::Good { inbound: None };
            self.fleet.checked(started.id, good, self.now);
        }
    }

    /// Publishes all that is to be, as soon as that may be.
    pub(crate) fn publish(&mut self) {
        self.now = self.now + PUBLICATION_PERIOD;
        let waits = self.fleet.publish(self.now);
        assert_eq!(waits, None, "the period is over in every partition");
    }

    pub(crate) fn id(&self, number: usize) -> NodeId {
        self.ids[&address(number)]
    }

    /// Takes a check of the node with this number.
    pub(crate) fn check(&mut self, number: usize, check: Check) {
        let id = self.id(number);
        self.fleet.checked(id, check, self.now);
    }

    /// Takes a good check of the node with this number, by which it can receive so much.
    pub(crate) fn read(&mut self, number: usize, inbound: Millisatoshi) {
        let inbound = Some(inbound);
        self.check(number, Check::Good { inbound });
    }

    pub(crate) fn pick(&self, amount: Millisatoshi, key: Option<AffinityKey>) -> Pick {
        let now = self.now;
        Pick { now, amount, key }
    }

    /// Whom one pick in this partition names, in order.
    pub(crate) fn candidates(&mut self, name: &str, pick: &Pick) -> Vec<NodeId> {
        let number = self.view.number(&partition(name)).unwrap();
        let picker = self.view.picker(number).unwrap();
        let candidates = picker.candidates(pick, &mut self.rng);
        let expected = candidates.len();
        let names: Vec<_> = candidates.map(|node| node.id()).collect();
        assert_eq!(names.len(), expected, "as many as were promised");
        names
    }

    /// Whom one pick in this partition names first.
    pub(crate) fn first(&mut self, name: &str, pick: &Pick) -> Option<NodeId> {
        let number = self.view.number(&partition(name)).unwrap();
        let picker = self.view.picker(number).unwrap();
        picker
            .candidates(pick, &mut self.rng)
            .next()
            .map(|node| node.id())
    }

    /// How many nodes of this partition are ready.
    pub(crate) fn ready(&self, name: &str) -> usize {
        let readiness = self.view.readiness();
        readiness.partition(&partition(name)).unwrap().ready
    }
}

/// Counts how often each node was named, and holds that against its weight.
pub(crate) struct Tally {
    weights: BTreeMap<NodeId, u64>,
    counts: BTreeMap<NodeId, u64>,
    picks: u64,
}

impl Tally {
    /// For the nodes numbered from 0 with these weights.
    pub(crate) fn new(world: &World, weights: &[u16]) -> Self {
        let weights = weights.iter().enumerate();
        let weights = weights.map(|(number, weight)| (world.id(number), u64::from(*weight)));
        Self::of(weights)
    }

    /// For these nodes.
    pub(crate) fn of(weights: impl Iterator<Item = (NodeId, u64)>) -> Self {
        Self {
            weights: weights.collect(),
            counts: BTreeMap::new(),
            picks: 0,
        }
    }

    pub(crate) fn add(&mut self, id: NodeId) {
        *self.counts.entry(id).or_default() += 1;
        self.picks += 1;
    }

    pub(crate) fn merge(&mut self, picks: impl IntoIterator<Item = NodeId>) {
        picks.into_iter().for_each(|id| self.add(id));
    }

    pub(crate) fn picks(&self) -> u64 {
        self.picks
    }

    /// How far the node farthest from its share is off it, in picks.
    pub(crate) fn worst_distance(&self) -> f64 {
        self.distances()
            .map(|(distance, _)| distance)
            .fold(0.0, f64::max)
    }

    /// Each node's distance from its share, and that share, in picks.
    pub(crate) fn distances(&self) -> impl Iterator<Item = (f64, f64)> {
        let total: u64 = self.weights.values().sum();
        self.weights.iter().map(move |(id, weight)| {
            let share = self.picks as f64 * *weight as f64 / total as f64;
            let count = self.counts.get(id).copied().unwrap_or(0);
            ((count as f64 - share).abs(), share)
        })
    }
}
