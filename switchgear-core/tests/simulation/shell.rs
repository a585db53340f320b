use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::RngExt as _;
use switchgear_core::{
    Moment,
    backend::{Backend, BackendAddress},
    balance::{Check, FleetNode, NodeId, Report},
};

use super::{event::Event, happened::Happened, world::World};

/// What surrounds the fleet: health clocks, the reading of discovery, the shared refresh.
#[derive(Debug, Default)]
pub struct Shell {
    /// Discovery's own records, and how often they changed.
    pub listed: BTreeMap<BackendAddress, Backend>,
    pub version: u64,
    pub discovery_down: bool,
    known_version: Option<u64>,
    /// Since when discovery is being asked, and whether that must be done again.
    asking: Option<(Moment, bool)>,
    clocks: BTreeMap<NodeId, Clock>,
    begun_clocks: u64,
    /// Counts the refreshes.
    refreshes: u64,
    running: Option<Running>,
    refresh_scheduled: bool,
    last_refresh: Option<Moment>,
    /// While quiet, nothing starts by itself.
    pub quiet: bool,
}

#[derive(Debug)]
struct Clock {
    number: u64,
    checking: bool,
}

/// A refresh under way.
#[derive(Debug)]
struct Running {
    since: Moment,
    snapshot: bool,
    unchecked: BTreeSet<NodeId>,
}

impl World {
    const REFRESH_PERIOD: Duration = Duration::from_secs(1);

    // ---- Discovery -------------------------------------------------------------------------------

    pub(super) fn tick(&mut self) -> Happened {
        if !self.shell.quiet {
            let next = self.now + self.settings.discovery_period;
            self.queue.push(next, Event::DiscoveryTick);
        }
        self.ask_discovery();
        Happened::DiscoveryAsked
    }

    pub fn ask_discovery(&mut self) {
        match &mut self.shell.asking {
            Some((_, again)) => *again = true,
            None => {
                self.shell.asking = Some((self.now, false));
                let records = self.shell.listed.values().cloned().collect();
                let answer = (!self.shell.discovery_down).then_some((self.shell.version, records));
                let millis = self.rng.random_range(1..20);
                let at = self.now + Duration::from_millis(millis);
                self.queue
                    .push(at, Event::DiscoveryAnswers(self.now, answer));
            }
        }
    }

    pub(super) fn take_snapshot(
        &mut self,
        asked: Moment,
        answer: Option<(u64, Vec<Backend>)>,
    ) -> Happened {
        let again = self.shell.asking.take().is_some_and(|(_, again)| again);
        let happened = match answer {
            Some((version, backends)) if self.shell.known_version != Some(version) => {
                self.shell.known_version = Some(version);
                self.update(backends)
            }
            Some(_) => Happened::Nothing,
            None => Happened::DiscoveryFailed,
        };
        self.fleet.discovered(asked);
        if let Some(running) = &mut self.shell.running {
            running.snapshot |= asked >= running.since;
        }
        self.nudge_all();
        self.end_refresh_if_over();
        if again {
            self.ask_discovery();
        }
        happened
    }

    fn update(&mut self, backends: Vec<Backend>) -> Happened {
        let expected = self.model.update(&backends, self.step);
        let update = self.fleet.update(backends, self.now);
        let addresses = |nodes: &[FleetNode]| {
            let mut list: Vec<_> = nodes
                .iter()
                .map(|node| node.backend.address.clone())
                .collect();
            list.sort_unstable();
            list
        };
        let mut stopped: Vec<_> = update
            .stopped
            .iter()
            .filter_map(|id| self.addresses.get(id).cloned())
            .collect();
        stopped.sort_unstable();
        let told = [
            addresses(&update.started),
            addresses(&update.reconnected),
            addresses(&update.redescribed),
            stopped,
        ];
        for id in &update.stopped {
            self.shell.clocks.remove(id);
            if let Some(running) = &mut self.shell.running {
                running.unchecked.remove(id);
            }
        }
        for node in update.started {
            self.addresses.insert(node.id, node.backend.address.clone());
            self.model.name(&node.backend.address, node.id);
            self.begin_clock(node.id, self.now);
            if let Some(running) = &mut self.shell.running {
                running.unchecked.insert(node.id);
            }
        }
        for node in update.reconnected {
            self.begin_clock(node.id, self.now);
        }
        self.publish_next = true;
        Happened::Updated { told, expected }
    }

    // ---- Health clocks ---------------------------------------------------------------------------

    fn begin_clock(&mut self, id: NodeId, at: Moment) {
        self.shell.begun_clocks += 1;
        let number = self.shell.begun_clocks;
        let clock = Clock {
            number,
            checking: false,
        };
        self.shell.clocks.insert(id, clock);
        self.queue.push(at, Event::CheckBegins(id, number));
    }

    pub(super) fn begin_check(&mut self, id: NodeId, number: u64) -> Happened {
        let clock = self
            .shell
            .clocks
            .get_mut(&id)
            .filter(|clock| clock.number == number);
        let address = self.addresses.get(&id);
        let conduct = address.and_then(|address| self.conducts.get(address));
        let (Some(clock), Some(conduct)) = (clock, conduct) else {
            return Happened::Nothing;
        };
        clock.checking = true;
        let timeout = self.settings.check_timeout;
        let (at, check) = conduct.check(self.now, timeout, &mut self.rng);
        let event = Event::CheckEnds(id, number, self.shell.refreshes, check);
        self.queue.push(at, event);
        Happened::CheckBegan(id)
    }

    pub(super) fn end_check(
        &mut self,
        id: NodeId,
        number: u64,
        refresh: u64,
        check: Check,
    ) -> Happened {
        if self
            .shell
            .clocks
            .get(&id)
            .is_none_or(|clock| clock.number != number)
        {
            return Happened::Nothing;
        }
        self.next_check(id, refresh);
        self.expected_change = self.model.checked(id, check, self.now);
        let change = self.fleet.checked(id, check, self.now);
        self.schedule_publication();
        let running = self.shell.running.as_mut();
        if let Some(running) = running.filter(|_| refresh == self.shell.refreshes) {
            running.unchecked.remove(&id);
        }
        if change.is_some() || self.shell.running.is_some() {
            self.nudge_all();
        }
        self.end_refresh_if_over();
        Happened::Checked(id, check, change)
    }

    /// A refresh that began meanwhile wants another check at once.
    fn next_check(&mut self, id: NodeId, refresh: u64) {
        let at = if refresh != self.shell.refreshes {
            self.now
        } else if self.shell.quiet {
            return;
        } else {
            self.now
                + self
                    .settings
                    .check_period
                    .mul_f64(self.rng.random_range(0.9..1.1))
        };
        self.begin_clock(id, at);
    }

    // ---- The shared refresh ----------------------------------------------------------------------

    pub(super) fn want_refresh(&mut self) {
        if self.shell.refresh_scheduled || self.shell.running.is_some() {
            return;
        }
        self.shell.refresh_scheduled = true;
        let next = self
            .shell
            .last_refresh
            .map(|last| last + Self::REFRESH_PERIOD);
        let at = next.map_or(self.now, |next| next.max(self.now));
        self.queue.push(at, Event::Refresh);
    }

    pub(super) fn begin_refresh(&mut self) -> Happened {
        self.shell.refresh_scheduled = false;
        self.shell.last_refresh = Some(self.now);
        self.shell.refreshes += 1;
        self.tally.refreshes += 1;
        self.shell.running = Some(Running {
            since: self.now,
            snapshot: false,
            unchecked: self.shell.clocks.keys().copied().collect(),
        });
        let idle = self
            .shell
            .clocks
            .iter()
            .filter(|(_, clock)| !clock.checking);
        for id in idle.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.begin_clock(id, self.now);
        }
        self.ask_discovery();
        Happened::RefreshBegan
    }

    fn end_refresh_if_over(&mut self) {
        let over = |running: &mut Running| running.snapshot && running.unchecked.is_empty();
        if self.shell.running.take_if(over).is_some() {
            for id in self.listeners() {
                self.queue.push(self.now, Event::Refreshed(id));
            }
        }
    }

    // ---- Reports and publications ----------------------------------------------------------------

    pub(super) fn take_report(&mut self, report: Report) -> Happened {
        let expected = self.model.reported(report, self.now);
        let probe_at = |world: &Self| world.fleet.ejection(report.node())?.probe_at();
        let before = probe_at(self);
        let change = self.fleet.reported(report, self.now);
        let after = probe_at(self).filter(|after| before != Some(*after));
        self.schedule_publication();
        if change.is_some() {
            self.nudge_all();
        }
        Happened::Reported {
            report,
            change,
            expected: expected.change,
            aside: after.map(|after| after.since(self.now)),
            expected_aside: expected.aside,
        }
    }

    fn schedule_publication(&mut self) {
        self.queue
            .push(self.now + self.settings.lag, Event::Publish);
    }

    pub(super) fn publish(&mut self) -> Happened {
        let due = self.fleet.publish(self.now);
        let changed = self.note_pickers();
        if let Some(due) = due.filter(|due| self.publish_at != Some(*due)) {
            self.publish_at = Some(due);
            self.queue.push(due, Event::Publish);
        }
        if !changed.is_empty() {
            self.nudge_all();
        }
        let left = std::mem::take(&mut self.model.left);
        Happened::Published { changed, left, due }
    }

    fn listeners(&self) -> Vec<u64> {
        let listening = self
            .requests
            .iter()
            .filter(|(_, request)| request.listening);
        listening.map(|(id, _)| *id).collect()
    }

    fn nudge_all(&mut self) {
        for id in self.listeners() {
            self.queue.push(self.now, Event::Nudge(id));
        }
    }
}
