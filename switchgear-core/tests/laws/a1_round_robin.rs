//! Round robin gives each node its share: in one thread to within one pick at every moment, where a cycle is
//! too long to write down to within five and exactly as a whole; in several to within a block of turns for
//! each.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use switchgear_core::{
    Millisatoshi,
    balance::{Among, Choice, Chooser, Draw, NodeId, Pick, RoundRobin, Seats, Strategy},
};

use crate::common::{Tally, World, backend, backends, config, partition};

const PICKS: usize = 100_000;

/// How many turns a thread takes for itself when it collides with another.
const BLOCK: f64 = 17.0;

const WEIGHTS: [&[u16]; 6] = [
    &[1, 1, 1],
    &[1, 2, 7],
    &[65_535, 65_535],
    &[5, 1, 1, 1, 1],
    &[3, 5, 11, 2, 1_000],
    &[7; 50],
];

fn world(weights: &[u16]) -> World {
    World::healthy(config(&["a"], Arc::new(RoundRobin)), backends(weights))
}

fn any_pick(world: &World) -> Pick {
    world.pick(Millisatoshi::ZERO, None)
}

#[test]
fn a1_one_thread_is_within_one_of_ideal_at_every_pick() {
    for weights in WEIGHTS {
        let mut world = world(weights);
        let mut tally = Tally::new(&world, weights);
        let pick = any_pick(&world);
        for turn in 0..PICKS {
            tally.add(world.first("a", &pick).unwrap());
            let worst = tally.worst_distance();
            assert!(worst <= 1.0, "{weights:?} at pick {turn}: {worst}");
        }
    }
}

/// Two cycles of these weights: exact at the end of each, and how far off a pick inside is at worst.
fn worst_inside(weights: &[u16]) -> f64 {
    let mut world = world(weights);
    let mut tally = Tally::new(&world, weights);
    let pick = any_pick(&world);
    let cycle: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut worst = 0.0_f64;
    for turn in 1..=2 * cycle {
        tally.add(world.first("a", &pick).unwrap());
        let distance = tally.worst_distance();
        worst = worst.max(distance);
        assert!(turn % cycle != 0 || distance < 1e-6, "{distance}");
    }
    worst
}

/// 5,050 turns: many nodes make a long cycle worth writing down.
#[test]
fn a1_a_hundred_nodes_of_different_weights_are_within_one_of_ideal_at_every_pick() {
    let weights: Vec<u16> = (1..=100).collect();
    let worst = worst_inside(&weights);
    assert!(worst <= 1.0, "{worst}");
}

#[test]
fn a1_a_cycle_too_long_to_write_down_is_exact_as_a_whole_and_within_five_inside() {
    let worst = worst_inside(&[65_535, 40_000, 1, 17]);
    assert!(worst <= 5.0, "{worst}");
}

/// Picks made by `threads` threads through one picker, at once.
fn picks_by_threads(world: &World, threads: usize) -> Vec<NodeId> {
    let number = world.view.number(&partition("a")).unwrap();
    let pick = any_pick(world);
    let view = &world.view;
    thread::scope(|scope| {
        let mut workers = Vec::new();
        let mut starts = Vec::new();
        for seed in 0..threads as u64 {
            let (counted, is_counted) = mpsc::channel();
            let (start, may_start) = mpsc::channel::<()>();
            workers.push(scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(seed);
                let mut next = || {
                    let picker = view.picker(number).unwrap();
                    let mut candidates = picker.candidates(&pick, &mut rng);
                    candidates.next().unwrap().id()
                };
                // With its first turn a thread gets its number. Up to eight that get theirs one right
                // after the other have a place each for their blocks.
                let mut picks = vec![next()];
                counted.send(()).unwrap();
                may_start.recv().unwrap();
                picks.extend((1..PICKS / threads).map(|_| next()));
                picks
            }));
            is_counted.recv().unwrap();
            starts.push(start);
        }
        for start in starts {
            start.send(()).unwrap();
        }
        let picks = workers.into_iter().map(|worker| worker.join().unwrap());
        picks.flatten().collect()
    })
}

/// The bound, for each node. Let threads have taken the turns below N, each once, but for those that are
/// left in their blocks: of these each thread has at most BLOCK − 1, for it takes a block only when its
/// last one is empty. Among the turns below N each node has its share to within 1, and those left out
/// shift no node's count, nor its share, by more than their own number. So each node is within
/// 1 + threads × (BLOCK − 1) ≤ threads × BLOCK of its share of the picks.
///
/// (In fact it is nearer: what is left of a block is a run of turns without a gap, of which a smooth
/// cycle gives each node its share to within 2, whatever the run's length.)
#[test]
fn a1_several_threads_are_within_a_block_each_of_ideal() {
    for weights in WEIGHTS {
        for threads in [2, 4, 8] {
            let world = world(weights);
            let mut tally = Tally::new(&world, weights);
            tally.merge(picks_by_threads(&world, threads));
            let worst = tally.worst_distance();
            assert!(
                worst <= threads as f64 * BLOCK,
                "{weights:?}, {threads} threads: {worst}"
            );
        }
    }
}

/// Takes turns as they come, and remembers them.
#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Vec<u64>>>);

impl Strategy for Recorder {
    fn prepare(&self, _ready: &Seats) -> Box<dyn Chooser> {
        Box::new(self.clone())
    }
}

impl Chooser for Recorder {
    fn choose(&self, _among: &Among<'_>, _pick: &Pick, draw: &mut Draw<'_>) -> Choice {
        let turn = draw.turn();
        self.0.lock().unwrap().push(turn);
        let rest = draw.key();
        Choice { seat: 0, rest }
    }
}

#[test]
fn a1_threads_take_no_turn_twice_and_leave_out_no_more_than_their_blocks() {
    for threads in [2, 4, 8] {
        let recorder = Recorder::default();
        let world = World::healthy(config(&["a"], Arc::new(recorder.clone())), backends(&[1]));
        let picks = picks_by_threads(&world, threads).len();
        let turns = recorder.0.lock().unwrap();
        let different: BTreeSet<_> = turns.iter().copied().collect();
        assert_eq!(
            different.len(),
            picks,
            "{threads} threads: a turn was taken twice"
        );
        let left_out = different.last().unwrap() + 1 - picks as u64;
        assert!(
            left_out as f64 <= threads as f64 * BLOCK,
            "{threads} threads: {left_out}"
        );
    }
}

#[test]
fn a1_threads_that_take_turns_by_turns_are_exact() {
    let weights = [1, 2, 7];
    let world = world(&weights);
    let number = world.view.number(&partition("a")).unwrap();
    let pick = any_pick(&world);
    let view = &world.view;
    let order = thread::scope(|scope| {
        let (picked, picks) = mpsc::channel();
        let hands = [1, 2].map(|seed| {
            let (go, gone) = mpsc::channel::<()>();
            let picked = picked.clone();
            scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(seed);
                while gone.recv().is_ok() {
                    let picker = view.picker(number).unwrap();
                    let first = picker.candidates(&pick, &mut rng).next().unwrap().id();
                    picked.send(first).unwrap();
                }
            });
            go
        });
        let order = (0..10_000).map(|turn| {
            hands[turn % 2].send(()).unwrap();
            picks.recv().unwrap()
        });
        order.collect::<Vec<_>>()
    });
    let mut tally = Tally::new(&world, &weights);
    for (turn, id) in order.into_iter().enumerate() {
        tally.add(id);
        let worst = tally.worst_distance();
        assert!(worst <= 1.0, "at pick {turn}: {worst}");
    }
}

#[test]
fn a1_partitions_asked_in_any_mixture_are_each_within_one_of_ideal() {
    let names = ["a", "b", "c"];
    let weights: [u16; 5] = [1, 2, 7, 4, 4];
    let members: [&[usize]; 3] = [&[0, 1, 2], &[1, 2, 3], &[0, 3, 4]];
    let listed = weights.iter().enumerate().map(|(number, weight)| {
        let of = |index: &usize| members[*index].contains(&number);
        let names: Vec<_> = (0..3).filter(of).map(|index| names[index]).collect();
        backend(number, *weight, &names)
    });
    let listed = listed.collect();
    let mut world = World::healthy(config(&names, Arc::new(RoundRobin)), listed);
    let mut tallies = members.map(|members| {
        let members = members.iter();
        Tally::of(members.map(|number| (world.id(*number), u64::from(weights[*number]))))
    });
    let mut rng = StdRng::seed_from_u64(7);
    let pick = any_pick(&world);
    for turn in 0..PICKS {
        // In runs of random lengths, from random partitions.
        let index = if rng.random_bool(0.5) {
            turn / 7 % 3
        } else {
            rng.random_range(0..3)
        };
        tallies[index].add(world.first(names[index], &pick).unwrap());
        let worst = tallies[index].worst_distance();
        assert!(worst <= 1.0, "{} at pick {turn}: {worst}", names[index]);
    }
    assert!(tallies.iter().all(|tally| tally.picks() > 10_000));
}

#[test]
fn a1_a_publication_in_between_does_not_begin_the_turns_anew() {
    let weights = [1, 2, 7];
    let mut world = world(&weights);
    let number = world.view.number(&partition("a")).unwrap();
    let mut tally = Tally::new(&world, &weights);
    let mut pickers = BTreeSet::new();
    for turn in 0..20_000_u16 {
        if turn % 3 == 0 {
            // A node that drains takes nothing: the picker is built anew over the same ready nodes.
            let mut listed = backends(&weights);
            listed.extend((turn % 2 == 0).then(|| backend(99, 0, &["a"])));
            world.list(listed);
            world.publish();
            pickers.insert(world.view.picker(number).unwrap().total());
        }
        let pick = any_pick(&world);
        tally.add(world.first("a", &pick).unwrap());
        let worst = tally.worst_distance();
        assert!(worst <= 1.0, "at pick {turn}: {worst}");
    }
    assert_eq!(
        pickers,
        BTreeSet::from([3, 4]),
        "both pickers were published"
    );
}
