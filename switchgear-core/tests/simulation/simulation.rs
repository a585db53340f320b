use std::{collections::VecDeque, fmt::Write as _, time::Duration};

use switchgear_core::Moment;

use super::{
    conduct::Conduct,
    happened::Happened,
    laws::{self, Law},
    settings::Settings,
    world::World,
};

/// A world and the laws that it is held to.
pub struct Simulation {
    pub world: World,
    laws: Vec<Box<dyn Law>>,
    /// The last steps, for the account when a law is broken.
    steps: VecDeque<(Moment, Happened)>,
}

impl Simulation {
    const REMEMBERED: usize = 60;

    pub fn new(settings: Settings) -> Self {
        Self {
            world: World::new(settings),
            laws: laws::all(),
            steps: VecDeque::with_capacity(Self::REMEMBERED),
        }
    }

    /// Makes one step, under all laws; whether there was one to make.
    ///
    /// # Panics
    /// When a law is broken, with an account of what led to it.
    #[expect(
        clippy::panic,
        reason = "so that a test or a fuzzer takes it for a failure"
    )]
    pub fn step(&mut self) -> bool {
        let Some(happened) = self.world.step() else {
            return false;
        };
        if self.steps.len() == Self::REMEMBERED {
            self.steps.pop_front();
        }
        for law in &mut self.laws {
            if let Err(laws::Broken(what)) = law.check(&self.world, &happened) {
                self.steps.push_back((self.world.now, happened));
                panic!("{}", account(&self.steps, &self.world, law.as_ref(), &what));
            }
        }
        self.world.count(&happened);
        if !matches!(happened, Happened::Nothing) {
            self.steps.push_back((self.world.now, happened));
        }
        true
    }

    /// Steps for so long, and at most so many steps; how many there were.
    pub fn run(&mut self, time: Duration, most: u64) -> u64 {
        let until = self.world.now + time;
        let mut steps = 0;
        while steps < most && self.world.next_at().is_some_and(|at| at <= until) {
            self.step();
            steps += 1;
        }
        if steps < most {
            self.world.now = until;
        }
        steps
    }

    /// Lets what is under way come to its end, and nothing begin by itself; then all must be quiet.
    pub fn settle(&mut self) {
        self.world.shell.quiet = true;
        let mut steps = 0_u64;
        while self.step() {
            steps += 1;
            assert!(steps < 50_000_000, "the world comes to no end");
        }
        assert!(self.world.requests.is_empty(), "requests are left");
        assert!(self.world.calls.is_empty(), "calls are left");
        for published in &self.world.published {
            for id in published.candidates() {
                let calls = published.node(id).map(|node| node.in_flight());
                assert_eq!(calls, Some(0), "calls under way at {id} when all is quiet");
            }
        }
    }

    /// A fleet of healthy nodes in partition 0, which have been checked.
    pub fn of(settings: Settings, conducts: impl IntoIterator<Item = Conduct>) -> Self {
        let mut simulation = Self::new(settings);
        for (place, conduct) in conducts.into_iter().enumerate() {
            simulation.world.register(place, &[0], 1, conduct);
        }
        simulation.run(Duration::from_millis(500), u64::MAX);
        simulation
    }
}

/// What led to a broken law, for people to read.
fn account(
    steps: &VecDeque<(Moment, Happened)>,
    world: &World,
    law: &dyn Law,
    what: &str,
) -> String {
    let mut text = format!(
        "\nlaw broken in step {}: {law:?}\n  {what}\n\nset to: {:?}\n",
        world.step, world.settings
    );
    for (at, happened) in steps {
        let millis = at.as_nanos() as f64 / 1e6 - 1e6;
        let _ = writeln!(text, "{millis:>12.3} ms  {happened:?}");
    }
    text
}
