//! A node that was removed, disabled or drained gets no further call, not even of a request that has
//! it among its candidates already.

use std::{collections::BTreeMap, sync::Arc};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi,
    backend::{Backend, Weight},
    balance::{
        Action, AffinityKey, AttemptId, Call, Check, Dispatch, DispatchRequest, Event, NodeId,
        Outcome, Strategy,
    },
    ln::Blame,
};

use crate::common::{
    MS, World, backend, config, key, one_round, partition, partitions, strategies,
};

const STEPS: usize = 50_000;
const SLOTS: usize = 12;
const REQUESTS: usize = 16;

/// More than any request has to do at one moment.
const MOST_ACTIONS: usize = 1_000;

/// Requests on their way, over a fleet that changes beneath them.
struct Turmoil {
    world: World,
    rng: StdRng,
    /// What discovery lists in each place.
    listed: [Option<Backend>; SLOTS],
    requests: Vec<Request>,
    calls: usize,
    /// Calls that were started while requests still saw a node that was closed.
    calls_beside_closed: usize,
    closings: usize,
}

struct Request {
    dispatch: Dispatch,
    calls: BTreeMap<AttemptId, Call>,
}

impl Turmoil {
    fn new(strategy: Arc<dyn Strategy>, seed: u64) -> Self {
        let mut turmoil = Self {
            world: World::new(config(&["a", "b"], strategy), seed),
            rng: StdRng::seed_from_u64(seed),
            listed: [const { None }; SLOTS],
            requests: Vec::new(),
            calls: 0,
            calls_beside_closed: 0,
            closings: 0,
        };
        for number in 0..SLOTS / 2 {
            turmoil.listed[number] = Some(backend(number, 1, &["a"]));
        }
        turmoil.tell();
        turmoil.world.publish();
        turmoil
    }

    fn step(&mut self) {
        match self.rng.random_range(0..10) {
            0..2 => self.change(),
            2 => {
                self.world.now = self.world.now + self.rng.random_range(1..40) * MS;
                self.world.fleet.publish(self.world.now);
            }
            3 => {
                let ids: Vec<_> = self.world.ids.values().copied().collect();
                let id = ids[self.rng.random_range(0..ids.len())];
                let good = self.rng.random_bool(0.8);
                let check = if good {
                    Check::Good { inbound: None }
                } else {
                    Check::Bad
                };
                self.world.fleet.checked(id, check, self.world.now);
            }
            _ => self.ask(),
        }
    }

    /// Adds, removes, disables, enables, drains or moves a node.
    fn change(&mut self) {
        let number = self.rng.random_range(0..SLOTS);
        let what = self.rng.random_range(0..6);
        let slot = &mut self.listed[number];
        let was_open = slot.as_ref().is_some_and(is_open);
        match (slot.as_mut(), what) {
            (None, _) => *slot = Some(backend(number, 1 + what, &["a", "b"])),
            (Some(_), 0) => *slot = None,
            (Some(backend), 1 | 2) => backend.enabled = !backend.enabled,
            (Some(backend), 3) => backend.weight = Weight::DRAIN,
            (Some(backend), 4) => backend.weight = Weight::new(3),
            (Some(backend), _) => {
                let names: &[&str] = [&["a"][..], &["b"], &["a", "b"]][number % 3];
                backend.partitions = partitions(names);
            }
        }
        let is_open = slot.as_ref().is_some_and(is_open);
        self.closings += usize::from(was_open && !is_open);
        self.tell();
    }

    fn tell(&mut self) {
        let listed = self.listed.iter().flatten().cloned().collect();
        self.world.list(listed);
    }

    /// One request goes on: a call of its ends, or a new one takes its place.
    fn ask(&mut self) {
        if self.requests.len() < REQUESTS {
            let request = DispatchRequest {
                partition: self.world.view.number(&partition("a")).unwrap(),
                amount: Millisatoshi::from_sat(1),
                key: self.key(),
            };
            self.requests.push(Request {
                dispatch: Dispatch::new(one_round(), request, self.world.now),
                calls: BTreeMap::new(),
            });
            return;
        }
        let index = self.rng.random_range(0..REQUESTS);
        let mut request = self.requests.swap_remove(index);
        if let Some((attempt, _)) = request.calls.pop_first() {
            let outcome = match self.rng.random_range(0..10) {
                0..2 => Outcome::Invoice,
                2 => Outcome::Failed(Blame::Node),
                _ => Outcome::Failed(Blame::Request),
            };
            let event = Event::Answer { attempt, outcome };
            request.dispatch.handle(event, self.world.now);
        }
        if self.drive(&mut request) {
            self.requests.push(request);
        }
    }

    /// Most requests come with one of a few hundred comments, some with none.
    fn key(&mut self) -> Option<AffinityKey> {
        let has_comment = self.rng.random_bool(0.8);
        has_comment.then(|| key(self.rng.random_range(0..500)))
    }

    /// Does what a request wants done; whether it is still on its way.
    fn drive(&mut self, request: &mut Request) -> bool {
        for _ in 0..MOST_ACTIONS {
            let world = &mut self.world;
            match request
                .dispatch
                .poll(world.now, &world.view, &mut world.rng)
            {
                Action::Start(call) => {
                    self.judge(&call);
                    request.calls.insert(call.attempt(), call);
                }
                Action::Cancel(attempt) | Action::Detach(attempt) => {
                    request.calls.remove(&attempt);
                }
                Action::Report(report) => {
                    world.fleet.reported(report, world.now);
                }
                Action::Refresh => request.dispatch.handle(Event::Refreshed, world.now),
                Action::WaitUntil(_) => return true,
                Action::Done(_) => return false,
            }
        }
        panic!("a request neither waits nor ends");
    }

    /// The law.
    fn judge(&mut self, call: &Call) {
        let address = call.node().address();
        let listed = self.listed.iter().flatten();
        let known = listed
            .into_iter()
            .find(|backend| backend.address == *address);
        assert!(
            known.is_some_and(is_open),
            "{address} was called: {known:?}"
        );
        let present: Option<&NodeId> = self.world.ids.get(address);
        assert_eq!(
            present,
            Some(&call.node_id()),
            "one of that address before it"
        );
        self.calls += 1;
        let number = self.world.view.number(&partition("a")).unwrap();
        let picker = self.world.view.picker(number).unwrap();
        let stale = picker.ready().iter().any(|node| !node.is_open());
        self.calls_beside_closed += usize::from(stale);
    }
}

fn is_open(backend: &Backend) -> bool {
    backend.enabled && !backend.weight.is_zero()
}

/// 200,000 steps, a quarter of them with each strategy.
#[test]
fn a6_a_node_removed_disabled_or_drained_is_not_called() {
    for (seed, (name, strategy)) in (1..).zip(strategies()) {
        let mut turmoil = Turmoil::new(strategy, seed);
        for _ in 0..STEPS {
            turmoil.step();
        }
        assert!(
            turmoil.closings > 2_000,
            "{name}: {} closings",
            turmoil.closings
        );
        assert!(turmoil.calls > 10_000, "{name}: {} calls", turmoil.calls);
        let beside = turmoil.calls_beside_closed;
        assert!(
            beside > 1_000,
            "{name}: {beside} calls while closed nodes were candidates"
        );
    }
}
