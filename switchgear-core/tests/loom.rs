//! What threads share, in every order that they can come in (law A9).
//!
//! The files themselves are compiled here, over the atomics of a model checker: loom runs each model
//! once for every interleaving of its threads and for every value that the memory orderings in use
//! let a load see. Nothing is left out: there is no bound on preemptions.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do, and clippy takes only #[test] for a test"
)]

use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use loom::thread;
use switchgear_core::Moment;

/// What the real `crate::sync` names, by the model checker.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

    pub(crate) fn thread_number() -> usize {
        super::NUMBER.with(|number| number.get())
    }
}

#[path = "../src/balance/live.rs"]
#[expect(dead_code, reason = "the models need a part of it")]
mod live;
#[path = "../src/balance/turns.rs"]
mod turns;

use self::{live::Live, sync::Ordering, turns::Turns};

loom::thread_local! {
    static NUMBER: Cell<usize> = Cell::new(0);
}

/// Goes on as the thread of this number.
fn become_thread(number: usize) {
    NUMBER.with(|own| own.set(number));
}

/// Runs one closure in as many threads as there are numbers, each under its own; what they return.
fn in_threads<T: 'static>(numbers: &[usize], run: impl Fn(usize) -> T + Clone + 'static) -> Vec<T> {
    let threads = numbers.iter().map(|number| {
        let (number, run) = (*number, run.clone());
        thread::spawn(move || {
            become_thread(number);
            run(number)
        })
    });
    let threads: Vec<_> = threads.collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

/// How many places threads have for their blocks: two numbers this far apart share one.
const PLACES: usize = 8;

/// How the interleavings of one model went.
#[derive(Debug, Default)]
struct Stories {
    /// Those in which threads collided, so that one of them took a block.
    collided: AtomicU32,
}

impl Stories {
    /// Lets threads take so many turns each, and then takes what is left in their blocks. No turn may come
    /// twice, and none may be left out.
    fn take_turns(&self, numbers: &'static [usize], each: usize) {
        let turns = Arc::new(Turns::new(0));
        let taking = Arc::clone(&turns);
        let taken = in_threads(numbers, move |_| {
            (0..each).map(|_| taking.take()).collect::<Vec<_>>()
        });
        let mut all: Vec<_> = taken.concat();
        let collided = all.iter().any(|turn| *turn >= all.len() as u64);
        for number in numbers {
            become_thread(*number);
            while turns.left_in_block() > 0 {
                all.push(turns.take());
            }
        }
        let different: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(
            different.len(),
            all.len(),
            "a turn was taken twice: {all:?}"
        );
        let gapless = different.iter().copied().eq(0..all.len() as u64);
        assert!(gapless, "a turn was left out: {all:?}");
        self.collided
            .fetch_add(u32::from(collided), Ordering::Relaxed);
    }

    /// In how many interleavings of such threads there was a collision.
    fn of(numbers: &'static [usize], each: usize) -> u32 {
        let stories = Arc::new(Self::default());
        let telling = Arc::clone(&stories);
        loom::model(move || telling.take_turns(numbers, each));
        stories.collided.load(Ordering::Relaxed)
    }
}

#[test]
fn a9_two_threads_take_every_turn_once() {
    assert!(Stories::of(&[0, 1], 3) > 0);
}

#[test]
fn a9_three_threads_take_every_turn_once() {
    assert!(Stories::of(&[0, 1, 2], 1) > 0);
}

/// Threads whose numbers fall together share a place for a block.
#[test]
fn a9_threads_that_share_a_place_take_every_turn_once() {
    assert!(Stories::of(&[0, PLACES], 3) > 0);
}

#[test]
fn a9_threads_that_come_one_after_the_other_take_the_turns_in_order() {
    loom::model(|| {
        let turns = Arc::new(Turns::new(7));
        for turn in 7..11 {
            let taking = Arc::clone(&turns);
            let taken = in_threads(&[turn as usize], move |_| taking.take());
            assert_eq!(taken, [turn]);
        }
        assert_eq!([turns.take(), turns.take()], [11, 12]);
    });
}

#[test]
fn a9_a_trial_has_one_holder_and_is_free_when_given_back() {
    loom::model(|| {
        let live = Arc::new(Live::new());
        let holders = Arc::new(sync::AtomicU32::new(0));
        let trials = Arc::new(sync::AtomicU32::new(0));
        let (of_all, held, made) = (Arc::clone(&live), Arc::clone(&holders), Arc::clone(&trials));
        let took = in_threads(&[0, 1, 2], move |_| {
            let took = of_all.take_trial();
            if took {
                assert_eq!(held.fetch_add(1, Ordering::Relaxed), 0, "two holders");
                // What one holder leaves behind, the next one sees.
                let before = made.load(Ordering::Relaxed);
                made.store(before + 1, Ordering::Relaxed);
                held.fetch_sub(1, Ordering::Relaxed);
                of_all.give_trial_back();
            }
            took
        });
        let took = took.into_iter().filter(|took| *took).count();
        assert!(took >= 1, "somebody gets it");
        assert_eq!(trials.load(Ordering::Relaxed) as usize, took);
        assert!(live.take_trial(), "it is free again");
        assert!(!live.take_trial(), "and then it is not");
    });
}

#[test]
fn a9_of_three_failing_calls_one_sees_the_third() {
    loom::model(|| {
        let live = Arc::new(Live::new());
        let failing = Arc::clone(&live);
        let mut counts = in_threads(&[0, 1, 2], move |_| failing.count_failure());
        counts.sort_unstable();
        assert_eq!(counts, [1, 2, 3]);
    });
}

#[test]
fn a9_forgetting_failures_never_makes_them_many() {
    loom::model(|| {
        let live = Arc::new(Live::new());
        let used = Arc::clone(&live);
        let counts = in_threads(&[0, 1, 2], move |number| {
            if number == 0 {
                used.forget_failures();
                used.forget_failures();
                0
            } else {
                used.count_failure()
            }
        });
        assert!(counts.iter().all(|count| *count <= 2), "{counts:?}");
        live.forget_failures();
        assert_eq!(live.count_failure(), 1, "a success is the end of the row");
    });
}

#[test]
fn a9_calls_under_way_return_to_zero() {
    loom::model(|| {
        let live = Arc::new(Live::new());
        let calling = Arc::clone(&live);
        in_threads(&[0, 1, 2], move |_| {
            calling.begin_call();
            calling.end_call();
        });
        assert_eq!(live.in_flight(), 0);
    });
}

#[test]
fn a9_a_call_sees_itself_among_those_under_way() {
    loom::model(|| {
        let live = Arc::new(Live::new());
        let calling = Arc::clone(&live);
        let seen = in_threads(&[0, 1], move |_| {
            calling.begin_call();
            let seen = calling.in_flight();
            calling.end_call();
            seen
        });
        assert!(seen.iter().all(|seen| (1..=2).contains(seen)), "{seen:?}");
    });
}

#[test]
fn a9_the_peak_of_latencies_observed_at_once_is_kept() {
    const LATENCIES: [u64; 3] = [10, 30, 20];
    loom::model(|| {
        let now = Moment::after_origin(Duration::from_secs(1));
        let live = Arc::new(Live::new());
        let observing = Arc::clone(&live);
        in_threads(&[0, 1, 2], move |number| {
            let latency = Duration::from_millis(LATENCIES[number]);
            if number == 2 {
                observing.observe_latency_above(latency, now);
            } else {
                observing.observe_latency(latency, now);
            }
        });
        assert_eq!(live.latency(now), Some(Duration::from_millis(30)));
    });
}
