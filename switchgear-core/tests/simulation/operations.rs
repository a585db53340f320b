use std::{sync::Arc, time::Duration};

use switchgear_core::{
    Millisatoshi, Moment,
    backend::{Partitions, Weight},
    balance::{
        Adaptive, Backoff, CapacityBias, Consistent, DispatchConfig, LoadFactor, Random,
        RoundRobin, Strategy,
    },
    ln::Blame,
};

use super::{
    backends::{backend, partition, reached_by},
    conduct::Conduct,
    event::Event,
    settings::Settings,
    simulation::Simulation,
};

/// Takes bytes for settings and then for operations, one after the other, and makes them under all laws.
/// All bytes mean something; the same bytes mean the same.
///
/// # Panics
/// When a law is broken, with an account of the steps before.
pub fn replay(data: &[u8]) {
    let mut bytes = Bytes { data, read: 0 };
    let settings = settings(&mut bytes);
    let mut operations = Operations {
        places: 0,
        steps: 0,
        simulation: Simulation::new(settings),
        bytes,
    };
    while operations.steps < Operations::STEPS && operations.bytes.is_left() {
        operations.take();
    }
    operations.simulation.settle();
}

/// Bytes, and zeros behind them.
struct Bytes<'a> {
    data: &'a [u8],
    read: usize,
}

impl Bytes<'_> {
    fn is_left(&self) -> bool {
        self.read < self.data.len()
    }

    fn next(&mut self) -> u8 {
        let byte = self.data.get(self.read).copied().unwrap_or(0);
        self.read += 1;
        byte
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.next()) % choices.len()]
    }
}

const MS: Duration = Duration::from_millis(1);

fn settings(bytes: &mut Bytes<'_>) -> Settings {
    let (kinds, bounds, health, times) = (bytes.next(), bytes.next(), bytes.next(), bytes.next());
    let factor = [None, LoadFactor::try_new(1.25).ok()][usize::from(kinds >> 7)];
    let strategy: Arc<dyn Strategy> = match kinds % 4 {
        0 => Arc::new(RoundRobin),
        1 => Arc::new(Random),
        2 => Arc::new(Consistent {
            load_factor: factor,
        }),
        _ => Arc::new(Adaptive),
    };
    let bias = [None, Some(-0.2), Some(0.0), Some(0.5)][usize::from(kinds >> 2) % 4];
    let backoffs = [
        Backoff::Stop,
        Settings::backoff(130 * MS),
        Settings::backoff(500 * MS),
        Settings::backoff(1_300 * MS),
    ];
    let dispatch = DispatchConfig {
        deadline: [5_000, 1_000, 300, 12_000].map(|millis| millis * MS)[usize::from(bounds) % 4],
        attempt_limit: [2_000, 500, 200, 4_000].map(|millis| millis * MS)
            [usize::from(bounds >> 2) % 4],
        hedge_after: [None, Some(50 * MS), Some(300 * MS)][usize::from(bounds >> 4) % 3],
        max_iterations: std::num::NonZeroU32::new(u32::from(health >> 4) % 4),
        backoff: backoffs[usize::from(bounds >> 6)],
    };
    Settings {
        partitions: 1 + usize::from(kinds >> 4) % 3,
        strategy,
        bias: bias.and_then(|bias| CapacityBias::try_new(bias).ok()),
        thresholds: Settings::thresholds(u32::from(health) % 4, u32::from(health >> 2) % 4),
        dispatch,
        check_period: [1_000, 300, 3_000, 100].map(|millis| millis * MS)[usize::from(times) % 4],
        check_timeout: [500, 2_000][usize::from(times >> 2) % 2] * MS,
        discovery_period: [1_000, 100, 5_000][usize::from(times >> 3) % 3] * MS,
        lag: [0, 0, 1, 7].map(|millis| millis * MS)[usize::from(times >> 6)],
        seed: u64::from(bytes.next()),
    }
}

/// Operations on a simulation, one after the other.
struct Operations<'a> {
    simulation: Simulation,
    bytes: Bytes<'a>,
    /// How many places nodes were listed at.
    places: usize,
    steps: u64,
}

impl Operations<'_> {
    const STEPS: u64 = 4_000;
    const PLACES: usize = 40;
    const LATENCIES: [u32; 8] = [5, 1, 20, 60, 150, 400, 1_500, 3_000];

    fn take(&mut self) {
        match self.bytes.next() % 16 {
            0..=2 => self.advance(),
            3 | 4 => self.add(),
            5 => self.edit(|_, backend| drop(backend.take())),
            6 => self.edit(|_, backend| {
                if let Some(backend) = backend {
                    backend.enabled = !backend.enabled;
                }
            }),
            7 => self.edit(|bytes, backend| {
                if let Some(backend) = backend {
                    backend.weight = Weight::new(bytes.of(&[0, 1, 2, 7, u16::MAX]));
                }
            }),
            8 => self.edit_partitions(),
            9 => self.edit(|bytes, backend| {
                if let Some(backend) = backend {
                    let way = bytes.next();
                    backend.implementation = reached_by(0, way).implementation;
                }
            }),
            10 | 11 => self.turn(),
            12..=14 => self.request(),
            _ => self.trouble(),
        }
    }

    fn advance(&mut self) {
        const MILLIS: [u32; 8] = [1, 5, 20, 49, 51, 200, 1_000, 4_000];
        let byte = self.bytes.next();
        let millis = MILLIS[usize::from(byte) % 8] * (1 + u32::from(byte >> 5) % 4);
        let left = Self::STEPS.saturating_sub(self.steps);
        self.steps += self.simulation.run(MS * millis, left);
    }

    fn add(&mut self) {
        if self.places >= Self::PLACES {
            return;
        }
        let byte = self.bytes.next();
        let partitions = self.partitions(byte);
        let weight = [1, 2, 7, 100][usize::from(byte >> 3) % 4];
        let conduct = self.conduct();
        let mut backend = backend(self.places, &partitions, weight);
        backend.enabled = byte < 240;
        self.places += 1;
        let world = &mut self.simulation.world;
        world.conducts.insert(backend.address.clone(), conduct);
        world.list(backend);
        world.ask_discovery();
    }

    fn partitions(&self, byte: u8) -> Vec<switchgear_core::Partition> {
        let all = self.simulation.world.settings.partitions;
        // The one behind the last is not served.
        let chosen = (0..=all).filter(|index| byte >> index & 1 == 1);
        let mut chosen: Vec<_> = chosen.map(partition).collect();
        if chosen.is_empty() {
            chosen.push(partition(0));
        }
        chosen
    }

    /// Edits what discovery lists at some place, and maybe tells of it at once.
    fn edit(
        &mut self,
        edit: impl FnOnce(&mut Bytes<'_>, &mut Option<switchgear_core::backend::Backend>),
    ) {
        let which = self.bytes.next();
        let listed = &self.simulation.world.shell.listed;
        let index = usize::from(which >> 1) % listed.len().max(1);
        let Some((address, backend)) = listed.iter().nth(index) else {
            return;
        };
        let (address, mut backend) = (address.clone(), Some(backend.clone()));
        edit(&mut self.bytes, &mut backend);
        let world = &mut self.simulation.world;
        match backend {
            Some(backend) => drop(world.list(backend)),
            None => drop(world.unlist(address)),
        }
        if which & 1 == 0 {
            world.ask_discovery();
        }
    }

    fn edit_partitions(&mut self) {
        let byte = self.bytes.next();
        let partitions = self.partitions(byte);
        self.edit(|_, backend| {
            if let (Some(backend), Ok(partitions)) = (backend, Partitions::try_new(partitions)) {
                backend.partitions = partitions;
            }
        });
    }

    fn conduct(&mut self) -> Conduct {
        let now = self.simulation.world.now;
        let (calls, checks) = (self.bytes.next(), self.bytes.next());
        let usual = MS * Self::LATENCIES[usize::from(calls) % 8];
        let mut conduct = match calls >> 3 & 7 {
            0 | 1 => Conduct::good(usual),
            2 => Conduct::good(usual).failing(100, Blame::Node),
            3 => Conduct::good(usual).failing(100, Blame::Request),
            4 => Conduct::good(usual).failing(50, Blame::Node),
            5 => Conduct::good(usual).hanging(100),
            6 => Conduct::good(usual).hanging(30),
            _ => Conduct::dead(),
        };
        conduct.calls.latency.tail = calls >> 6;
        if calls >> 6 == 3 {
            let until: Moment = now + Duration::from_secs(3);
            conduct.calls.latency.starting = Some((until, 700 * MS));
        }
        conduct.checks.good &= checks % 4 != 3;
        conduct.checks.hanging = checks >> 2 & 7 == 7;
        conduct.checks.latency.usual = MS * [2, 40, 300, 900][usize::from(checks >> 5) % 4];
        let sats = [1_000_000, 0, 49_000, 500_000][usize::from(checks) % 4];
        conduct.checks.inbound = (checks < 250).then(|| Millisatoshi::from_sat(sats));
        conduct
    }

    fn turn(&mut self) {
        let which = self.bytes.next();
        let conduct = self.conduct();
        let index = usize::from(which >> 1) % self.simulation.world.conducts.len().max(1);
        let address = self.simulation.world.conducts.keys().nth(index).cloned();
        if let Some(address) = address {
            self.simulation.world.turn(address, conduct, which & 1 == 1);
        }
    }

    fn request(&mut self) {
        let byte = self.bytes.next();
        let amount = [1_000, 49_000_000, 400_000_000, 2_000_000_000][usize::from(byte >> 2) % 4];
        let many = [1, 1, 2, 8][usize::from(byte >> 4) % 4];
        let world = &mut self.simulation.world;
        let partition = usize::from(byte) % 4 % world.settings.partitions;
        let key = (byte >= 128).then_some(byte >> 6);
        for index in 0..many {
            if let Some(request) = world.request(partition, amount, key) {
                world.after(MS * index, Event::Arrive(request));
            }
        }
    }

    /// Discovery goes or comes back, or tells that it changed.
    fn trouble(&mut self) {
        let world = &mut self.simulation.world;
        match self.bytes.next() % 3 {
            0 => world.shell.discovery_down = !world.shell.discovery_down,
            1 => world.ask_discovery(),
            _ => world.after(Duration::ZERO, Event::Publish),
        }
    }
}
