//! No invoice of one partition is asked from a node of another.

use std::{collections::BTreeSet, sync::Arc};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi,
    backend::Backend,
    balance::{Action, Dispatch, DispatchRequest, Event, Outcome, Strategy},
    ln::Blame,
};

use crate::common::{World, backend, config, key, one_round, partition, partitions, strategies};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const NODES: usize = 20;
const INVOICES: u64 = 25_000;

/// At least one of the partitions, at random.
fn some_names(rng: &mut StdRng) -> Vec<&'static str> {
    let one = NAMES[rng.random_range(0..NAMES.len())];
    let others = NAMES.into_iter().filter(|_| rng.random_bool(0.3));
    let names: BTreeSet<_> = std::iter::once(one).chain(others).collect();
    names.into_iter().collect()
}

#[derive(Debug, Default)]
struct Counts {
    invoices: u64,
    calls: u64,
    moves: u64,
    /// Moves while a request was between two calls.
    moves_within: u64,
}

struct Partitions {
    world: World,
    rng: StdRng,
    listed: Vec<Backend>,
    counts: Counts,
}

impl Partitions {
    fn new(strategy: Arc<dyn Strategy>, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let backends = (0..NODES).map(|number| backend(number, 1, &some_names(&mut rng)));
        let listed: Vec<_> = backends.collect();
        Self {
            world: World::healthy(config(&NAMES, strategy), listed.clone()),
            rng,
            listed,
            counts: Counts::default(),
        }
    }

    /// Brings a node to other partitions, and publishes that.
    fn move_one(&mut self) {
        let number = self.rng.random_range(0..NODES);
        self.listed[number].partitions = partitions(&some_names(&mut self.rng));
        self.world.list(self.listed.clone());
        self.world.publish();
        self.counts.moves += 1;
    }

    /// One request of a random partition, whose nodes answer as they like.
    fn ask(&mut self, number: u64) {
        let name = NAMES[self.rng.random_range(0..NAMES.len())];
        let request = DispatchRequest {
            partition: self.world.view.number(&partition(name)).unwrap(),
            amount: Millisatoshi::from_sat(1),
            key: (number.is_multiple_of(2)).then(|| key(number)),
        };
        let mut dispatch = Dispatch::new(one_round(), request, self.world.now);
        loop {
            let world = &mut self.world;
            match dispatch.poll(world.now, &world.view, &mut world.rng) {
                Action::Start(call) => {
                    let backend = world.fleet.backend(call.node_id()).unwrap();
                    let own = backend.partitions.contains(&partition(name));
                    assert!(own, "{} was asked for {name}", backend.address);
                    self.counts.calls += 1;
                    if self.rng.random_ratio(1, 50) {
                        self.move_one();
                        self.counts.moves_within += 1;
                    }
                    let outcome = if self.rng.random_bool(0.5) {
                        Outcome::Invoice
                    } else {
                        Outcome::Failed(Blame::Request)
                    };
                    let attempt = call.attempt();
                    dispatch.handle(Event::Answer { attempt, outcome }, self.world.now);
                }
                Action::Report(report) => {
                    world.fleet.reported(report, world.now);
                }
                Action::Refresh => dispatch.handle(Event::Refreshed, world.now),
                Action::Cancel(_) | Action::Detach(_) => {}
                Action::WaitUntil(_) => panic!("each call was answered"),
                Action::Done(_) => break,
            }
        }
        self.counts.invoices += 1;
    }
}

/// 100,000 invoices, a quarter of them with each strategy.
#[test]
fn a7_no_invoice_is_asked_from_a_node_of_another_partition() {
    for (seed, (name, strategy)) in (1..).zip(strategies()) {
        let mut partitions = Partitions::new(strategy, seed);
        for number in 0..INVOICES {
            if number % 100 == 0 {
                partitions.move_one();
            }
            partitions.ask(number);
        }
        let counts = &partitions.counts;
        assert_eq!(counts.invoices, INVOICES, "{name}");
        assert!(
            counts.calls > INVOICES && counts.moves_within > 500,
            "{name}: {counts:?}"
        );
    }
}
