//! The balancing core in simulated time, under laws that are checked after each step.

#[expect(
    dead_code,
    reason = "some fields are read by the account of a broken law only"
)]
#[expect(unreachable_pub, reason = "the fuzz target has the same module")]
mod simulation;

use std::{fs, path::Path, time::Duration};

use proptest::{
    prelude::*,
    test_runner::{FileFailurePersistence, RngSeed},
};
use switchgear_core::{
    balance::{Adaptive, CapacityBias, Consistent},
    ln::Blame,
};

use self::simulation::{Conduct, Event, Settings, Simulation, backend, partition, replay};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Whole sizes instead of those for every push.
#[expect(clippy::disallowed_methods, reason = "a test may know its environment")]
fn is_long() -> bool {
    std::env::var("SWITCHGEAR_LONG").is_ok_and(|long| long == "true")
}

/// Replays each file of a folder of this crate; how many there were.
#[expect(clippy::disallowed_methods, reason = "a test may read its files")]
#[expect(
    clippy::print_stdout,
    reason = "shown when a case fails: which one it was"
)]
fn replay_all(folder: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder is committed")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    paths.sort();
    for path in &paths {
        println!("{}", path.display());
        replay(&fs::read(path).expect("it can be read"));
    }
    paths.len()
}

#[test]
fn replays_the_whole_corpus() {
    assert!(replay_all("fuzz/corpus/balance") >= 500);
}

#[test]
fn replays_what_once_failed() {
    assert!(replay_all("tests/simulation/regressions") > 0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/simulation/proptest-regressions.txt"
        )))),
        // The same on every push, and others at length: what those find is for who looks for it.
        rng_seed: if is_long() { RngSeed::Random } else { RngSeed::Fixed(1) },
        ..ProptestConfig::default()
    })]

    #[test]
    fn holds_for_any_operations(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        replay(&data);
    }
}

/// Lets requests arrive at an even rate from now on.
fn load(simulation: &mut Simulation, per_second: u32, seconds: u32) {
    let world = &mut simulation.world;
    let partitions = world.settings.partitions;
    for number in 0..per_second * seconds {
        let msat = [1_000, 49_000_000, 400_000_000][number as usize % 3];
        let key = Some((number % 251) as u8);
        let request = world.request(number as usize % partitions, msat, key);
        let request = request.expect("the partition is served");
        world.after(number * SECOND / per_second, Event::Arrive(request));
    }
}

/// Steps through it all, under all laws, to the end.
fn finish(simulation: &mut Simulation, seconds: u32) {
    simulation.run(seconds * SECOND, u64::MAX);
    simulation.settle();
}

/// Mixed faults: of ten nodes, one is dead, one hangs, one fails half of its calls, one refuses some, one
/// lies, and one is slow; the others are well.
fn mixed(place: usize) -> Conduct {
    let good = Conduct::good(20 * MS);
    match place % 10 {
        0 => Conduct::dead(),
        1 => good.hanging(100),
        2 => good.failing(50, Blame::Node),
        3 => good.failing(20, Blame::Request),
        4 => good.failing(100, Blame::Node),
        5 => Conduct::good(800 * MS),
        _ => good,
    }
}

#[test]
fn serves_from_a_thousand_nodes_of_which_many_are_sick() {
    let seconds = if is_long() { 600 } else { 60 };
    let settings = Settings {
        bias: CapacityBias::try_new(-0.2).ok(),
        ..Settings::default()
    };
    let mut simulation = Simulation::of(settings, (0..1_000).map(mixed));
    load(&mut simulation, 200, seconds);
    finish(&mut simulation, seconds);
    let tally = &simulation.world.tally;
    assert_eq!((tally.served, tally.failed), (u64::from(200 * seconds), 0));
    assert!(
        tally.failed_calls > 0 && tally.ejections > 200,
        "the faults happened: {tally:?}"
    );
}

#[test]
fn serves_everybody_through_a_rolling_restart() {
    for adaptive in [false, true] {
        let mut settings = Settings::default();
        if adaptive {
            settings.strategy = std::sync::Arc::new(Adaptive);
        }
        let good = Conduct::good(20 * MS);
        let mut simulation = Simulation::of(settings, [good; 5]);
        let mut back = good;
        for restart in 0..15_u32 {
            let world = &mut simulation.world;
            let address = backend(restart as usize % 5, &[partition(0)], 1).address;
            let down = restart * 10 * SECOND + SECOND;
            let up = down + 5 * SECOND;
            world.after(down, Event::Turn(address.clone(), Conduct::dead(), true));
            back.calls.latency.starting = Some((world.now + up + 2 * SECOND, 300 * MS));
            world.after(up, Event::Turn(address, back, false));
        }
        load(&mut simulation, 200, 152);
        finish(&mut simulation, 152);
        let tally = &simulation.world.tally;
        assert_eq!((tally.served, tally.failed), (200 * 152, 0));
        assert!(
            tally.turns == 30 && tally.failed_calls > 0,
            "the faults happened: {tally:?}"
        );
    }
}

#[test]
fn serves_again_soon_after_all_nodes_were_down() {
    let mut simulation = Simulation::of(Settings::default(), [Conduct::good(20 * MS); 3]);
    let began = simulation.world.now;
    let down = began + 5 * SECOND;
    let back = down + 30 * SECOND;
    let world = &mut simulation.world;
    for place in 0..3 {
        let address = backend(place, &[partition(0)], 1).address;
        world.after(5 * SECOND, Event::Turn(address, Conduct::dead(), true));
    }
    let address = backend(1, &[partition(0)], 1).address;
    world.after(
        35 * SECOND,
        Event::Turn(address, Conduct::good(20 * MS), false),
    );
    load(&mut simulation, 50, 60);
    finish(&mut simulation, 60);
    let tally = &simulation.world.tally;
    let dark = |at: &&_| **at > down + SECOND && **at < back;
    assert_eq!(
        tally.served_at.iter().filter(dark).count(),
        0,
        "all were down"
    );
    assert!(tally.failed > 1_000, "the fault happened: {tally:?}");
    let first = tally.served_at.iter().find(|at| **at > back);
    let first = first.expect("it serves again").since(back);
    assert!(
        first <= 3 * SECOND,
        "the first invoice came after {first:?}"
    );
    assert!(tally.longest <= 5 * SECOND, "{:?}", tally.longest);
}

#[test]
fn weathers_a_retry_storm() {
    let half = Conduct::good(20 * MS).failing(50, Blame::Node);
    let seconds = if is_long() { 300 } else { 30 };
    let mut simulation = Simulation::of(Settings::default(), [half; 10]);
    load(&mut simulation, 300, seconds);
    let refreshes = simulation.world.tally.refreshes;
    finish(&mut simulation, seconds);
    let tally = &simulation.world.tally;
    let all = tally.served + tally.failed;
    assert!(tally.served * 100 >= all * 99, "{} of {all}", tally.served);
    assert!(
        tally.attempts * 10 <= tally.served * 25,
        "{} attempts",
        tally.attempts
    );
    assert!(tally.refreshes - refreshes <= u64::from(seconds) + 1);
    assert!(
        tally.failed_calls * 3 > tally.calls,
        "the fault happened: {tally:?}"
    );
}

#[test]
fn follows_changes_of_many_nodes_in_many_partitions() {
    let seconds = if is_long() { 300 } else { 20 };
    let settings = Settings {
        partitions: 50,
        strategy: std::sync::Arc::new(Consistent::default()),
        ..Settings::default()
    };
    let mut simulation = Simulation::new(settings);
    let good = Conduct::good(20 * MS);
    for place in 0..500 {
        simulation
            .world
            .register(place, &[place % 50, place / 10 % 50], 1, good);
    }
    simulation.run(500 * MS, u64::MAX);
    // The first node of each partition is left alone: sooner or later the others are all gone or drained.
    for change in 0..5 * seconds {
        let place = 50 + change as usize * 37 % 450;
        let event = match change % 5 {
            0 => Event::Unlist(backend(place, &[partition(0)], 1).address),
            1 => Event::List(backend(place, &[partition(place % 50)], 7)),
            2 => Event::List(backend(place, &[partition((place + 1) % 50)], 1)),
            3 => {
                let mut disabled = backend(place, &[partition(place % 50)], 1);
                disabled.enabled = false;
                Event::List(disabled)
            }
            _ => Event::List(backend(place, &[partition(place % 50)], 0)),
        };
        simulation.world.after(change * SECOND / 5, event);
    }
    load(&mut simulation, 300, seconds);
    finish(&mut simulation, seconds);
    let tally = &simulation.world.tally;
    assert_eq!((tally.served, tally.failed), (u64::from(300 * seconds), 0));
    assert!(tally.updates >= u64::from(seconds), "{tally:?}");
}
