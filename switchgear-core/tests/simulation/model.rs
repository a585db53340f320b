use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use switchgear_core::{
    Millisatoshi, Moment, Partition,
    backend::{Backend, BackendAddress},
    balance::{Check, HealthChange, NodeId, Outcome, Report},
    ln::Blame,
};

use super::settings::Settings;

/// A naive twin of the fleet: it keeps what was told of each node, and recomputes from that what the
/// node is, by scans over all of them.
#[derive(Debug)]
pub struct Model {
    settings: Settings,
    partitions: Vec<Partition>,
    nodes: BTreeMap<BackendAddress, Known>,
    addresses: BTreeMap<NodeId, BackendAddress>,
    /// The partitions that a node has left since they were last published.
    pub left: BTreeSet<usize>,
    /// Counts what may have changed whom requests ask.
    pub revision: u64,
}

/// What was told of a node since it began.
#[derive(Debug)]
struct Known {
    id: Option<NodeId>,
    backend: Backend,
    checks: Vec<bool>,
    healthy: bool,
    aside: Aside,
    reading: Option<(Millisatoshi, Moment)>,
    /// Calls in a row that failed.
    failures: u32,
    /// The step since which it may be asked.
    open_since: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Aside {
    until: Option<Moment>,
    /// Ejections and failed probes, until the node has served for long enough.
    times: u32,
    back_since: Option<Moment>,
}

/// What a node is in range of, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub limit: Millisatoshi,
    pub until: Moment,
}

/// What follows from a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consequence {
    pub change: Option<HealthChange>,
    pub aside: Option<Duration>,
}

impl Known {
    fn is_open(&self) -> bool {
        self.backend.enabled && self.backend.weight.get() > 0
    }

    /// From the history of checks: the first decides, then as many in a row as the thresholds say.
    fn judge(&mut self, settings: &Settings) {
        let (rise, fall) = (
            settings.thresholds.rise.get(),
            settings.thresholds.fall.get(),
        );
        let mut healthy = self.checks.first().copied().unwrap_or(false);
        let mut row = 0;
        for pair in self.checks.windows(2) {
            row = if pair[0] == pair[1] && row > 0 {
                row + 1
            } else {
                1
            };
            let needed = if healthy { fall } else { rise };
            if pair[1] != healthy && row >= needed {
                healthy = pair[1];
            }
        }
        self.healthy = healthy;
    }

    fn is_trusted(&self) -> bool {
        self.aside.until.is_none() && self.healthy
    }

    fn is_ready(&self) -> bool {
        self.is_open() && self.is_trusted()
    }
}

impl Model {
    pub fn new(settings: &Settings) -> Self {
        Self {
            partitions: settings.fleet().partitions.into_iter().collect(),
            settings: settings.clone(),
            nodes: BTreeMap::new(),
            addresses: BTreeMap::new(),
            left: BTreeSet::new(),
            revision: 0,
        }
    }

    fn known(&self, id: NodeId) -> Option<&Known> {
        self.nodes.get(self.addresses.get(&id)?)
    }

    fn known_mut(&mut self, id: NodeId) -> Option<&mut Known> {
        self.nodes.get_mut(self.addresses.get(&id)?)
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn address(&self, id: NodeId) -> Option<&BackendAddress> {
        self.addresses.get(&id)
    }

    pub fn is_open(&self, id: NodeId) -> bool {
        self.known(id).is_some_and(Known::is_open)
    }

    /// The step since which the node may be asked.
    pub fn open_since(&self, id: NodeId) -> Option<u64> {
        self.known(id)
            .filter(|known| known.is_open())
            .map(|known| known.open_since)
    }

    pub fn serves(&self, id: NodeId, partition: usize) -> bool {
        let name = self.partitions.get(partition);
        let known = self.known(id).zip(name);
        known.is_some_and(|(known, name)| known.backend.partitions.contains(name))
    }

    pub fn is_ready(&self, id: NodeId) -> bool {
        self.known(id).is_some_and(|known| known.is_ready())
    }

    pub fn probe_at(&self, id: NodeId) -> Option<Moment> {
        self.known(id)?.aside.until
    }

    pub fn range(&self, id: NodeId) -> Option<Range> {
        let (inbound, at) = self.known(id)?.reading?;
        Some(Range {
            limit: self.settings.bias?.limit(inbound),
            until: at + self.settings.reading_lifetime(),
        })
    }

    fn members(&self, partition: usize) -> impl Iterator<Item = &Known> {
        let name = self.partitions.get(partition);
        let serves =
            move |known: &&Known| name.is_some_and(|name| known.backend.partitions.contains(name));
        self.nodes.values().filter(serves)
    }

    fn named(&self, partition: usize, which: impl Fn(&Known) -> bool) -> BTreeSet<NodeId> {
        let members = self.members(partition).filter(|known| which(known));
        members.filter_map(|known| known.id).collect()
    }

    pub fn total(&self, partition: usize) -> usize {
        self.members(partition).count()
    }

    pub fn ready(&self, partition: usize) -> BTreeSet<NodeId> {
        self.named(partition, |known| known.is_ready())
    }

    pub fn ejected(&self, partition: usize) -> BTreeSet<NodeId> {
        self.named(partition, |known| {
            known.is_open() && known.healthy && known.aside.until.is_some()
        })
    }

    pub fn dormant(&self, partition: usize) -> BTreeSet<NodeId> {
        self.named(partition, |known| known.is_open() && !known.healthy)
    }

    // ---- What is told of nodes -------------------------------------------------------------------

    /// Takes a snapshot; which nodes start, are reconnected, redescribed and stopped.
    pub fn update(&mut self, snapshot: &[Backend], step: u64) -> [Vec<BackendAddress>; 4] {
        let mut changes = [const { Vec::new() }; 4];
        self.revision += 1;
        let mut listed = BTreeSet::new();
        for backend in snapshot {
            let served = self
                .partitions
                .iter()
                .any(|name| backend.partitions.contains(name));
            if served && listed.insert(backend.address.clone()) {
                let change = self.list(backend, step);
                changes
                    .iter_mut()
                    .take(4)
                    .zip(0..)
                    .for_each(|(list, index)| {
                        if change == Some(index) {
                            list.push(backend.address.clone());
                        }
                    });
            }
        }
        let gone = self
            .nodes
            .keys()
            .filter(|address| !listed.contains(*address));
        for address in gone.cloned().collect::<Vec<_>>() {
            if self
                .nodes
                .remove(&address)
                .is_some_and(|known| known.backend.enabled)
            {
                changes[3].push(address.clone());
            }
            self.addresses.retain(|_, known| *known != address);
        }
        changes.iter_mut().for_each(|list| list.sort_unstable());
        changes
    }

    /// Lists a node; the index of the change that this is.
    fn list(&mut self, backend: &Backend, step: u64) -> Option<usize> {
        let Some(known) = self.nodes.get_mut(&backend.address) else {
            self.nodes
                .insert(backend.address.clone(), Known::new(backend.clone(), step));
            return backend.enabled.then_some(0);
        };
        if known.backend == *backend {
            return None;
        }
        let was_open = known.is_open();
        let before = std::mem::replace(&mut known.backend, backend.clone());
        let left = |(index, name): (usize, &Partition)| {
            let left = before.partitions.contains(name) && !backend.partitions.contains(name);
            left.then_some(index)
        };
        self.left
            .extend(self.partitions.iter().enumerate().filter_map(left));
        if !was_open {
            known.open_since = step;
        }
        match (before.enabled, backend.enabled) {
            (false, true) => {
                *known = Known {
                    id: known.id,
                    ..Known::new(backend.clone(), step)
                };
                Some(0)
            }
            (true, true) if before.implementation != backend.implementation => Some(1),
            (true, true) => Some(2),
            (true, false) => Some(3),
            (false, false) => None,
        }
    }

    /// Learns a node's id.
    pub fn name(&mut self, address: &BackendAddress, id: NodeId) {
        if let Some(known) = self.nodes.get_mut(address) {
            known.id = Some(id);
            self.addresses.insert(id, address.clone());
        }
    }

    /// Takes a check; how the node's health changes by it.
    pub fn checked(&mut self, id: NodeId, check: Check, now: Moment) -> Option<HealthChange> {
        let settings = self.settings.clone();
        let known = self.known_mut(id)?;
        let (first, before) = (known.checks.is_empty(), known.healthy);
        known.checks.push(matches!(check, Check::Good { .. }));
        if let Check::Good { inbound } = check {
            known.reading = inbound.map(|inbound| (inbound, now));
        }
        known.judge(&settings);
        let healthy = known.healthy;
        if !first && before == healthy {
            return None;
        }
        self.revision += 1;
        Some(match healthy {
            true => HealthChange::Healthy,
            false => HealthChange::Unhealthy,
        })
    }

    /// Takes the end of a call; what the fleet must be told of it.
    pub fn called(&mut self, id: NodeId, outcome: Outcome, on_trial: bool) -> Option<Report> {
        let threshold = self.settings.ejection().failures.get();
        let known = self.known_mut(id)?;
        match outcome {
            Outcome::Invoice => {
                known.failures = 0;
                (!known.is_trusted()).then_some(Report::Answering(id))
            }
            Outcome::Failed(_) if on_trial => Some(Report::TrialFailed(id)),
            Outcome::Failed(Blame::Request) => None,
            Outcome::Failed(Blame::Node) => {
                known.failures += 1;
                let telling = known.failures >= threshold && known.is_trusted();
                telling.then_some(Report::Failing(id))
            }
        }
    }

    /// Takes a report; what must follow.
    pub fn reported(&mut self, report: Report, now: Moment) -> Consequence {
        let id = report.node();
        let (ready, last) = (self.is_ready(id), self.is_last(id));
        let ejects = matches!(report, Report::Failing(_)) && ready && !last;
        let mut consequence = Consequence {
            change: ejects.then_some(HealthChange::Ejected),
            aside: None,
        };
        let policy = self.settings.ejection();
        self.revision += 1;
        let Some(known) = self.known_mut(id) else {
            return consequence;
        };
        let due = known.aside.until.is_some_and(|until| until <= now);
        let prolongs = matches!(report, Report::TrialFailed(_)) && due;
        if ejects || prolongs {
            let served = known
                .aside
                .back_since
                .is_none_or(|since| now.since(since) >= policy.max);
            if ejects && served {
                known.aside.times = 0;
            }
            let doubled = 2_u32.saturating_pow(known.aside.times);
            let wait = policy.initial.saturating_mul(doubled).min(policy.max);
            known.aside.times += 1;
            known.aside.until = Some(now + wait);
            known.failures = 0;
            consequence.aside = Some(wait);
        }
        if matches!(report, Report::Answering(_)) && known.aside.until.take().is_some() {
            known.aside.back_since = Some(now);
            known.failures = 0;
            consequence.change = Some(HealthChange::Readmitted);
        }
        consequence
    }

    /// Whether one of the node's partitions would have nobody ready without it.
    pub fn is_last(&self, id: NodeId) -> bool {
        let mut served = (0..self.partitions.len()).filter(|index| self.serves(id, *index));
        served.any(|index| self.ready(index).iter().all(|ready| *ready == id))
    }
}

impl Known {
    fn new(backend: Backend, step: u64) -> Self {
        Self {
            id: None,
            backend,
            checks: Vec::new(),
            healthy: false,
            aside: Aside::default(),
            reading: None,
            failures: 0,
            open_since: step,
        }
    }
}
