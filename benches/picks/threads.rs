//! What two threads pick in the time of one.

use std::{
    hint,
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use rustix::thread::{CpuSet, sched_setaffinity};
use switchgear_benches::{
    cases::Cases,
    pairs::{Sample, Target},
};
use switchgear_core::balance::Fleet;

use crate::fixture::{Named, Weights, strategies};

/// How many picks are shared out, without comments and with them: they take long against the
/// microseconds of waking a thread, and are over within the few milliseconds for which a busy machine
/// lets a thread run.
const PICKS: u64 = 100_000;
const KEYED_PICKS: u64 = 10_000;
const PAIRS: usize = 21;
/// A sample is the shortest of so many runs: two threads show what they can do only while no other
/// work takes either processor.
const RUNS: usize = 32;

/// The same number of picks by one thread against by two; what two threads share is the picker and,
/// in round robin, the turns. Adaptive picks share the nodes' live figures as well, which only calls change.
pub(crate) fn throughput(cases: &mut Cases) -> io::Result<()> {
    let strategies = strategies().into_iter();
    for strategy in strategies.filter(|strategy| strategy.name != "adaptive") {
        let name = format!("{}, 1000, one thread : two, equal work", strategy.name);
        cases.samples(&name, Target::AtLeast(1.7), || {
            let fleet = strategy.fleet(1_000, Weights::Equal);
            let one = Crew::new(1, &strategy, &fleet);
            let two = Crew::new(2, &strategy, &fleet);
            (0..PAIRS).map(|pair| sample(pair, &one, &two)).collect()
        })?;
    }
    Ok(())
}

/// What a pick takes, by one thread and by two, in turns.
fn sample(pair: usize, one: &Crew, two: &Crew) -> Sample {
    let subject_first = pair.is_multiple_of(2);
    let (mut subject, mut baseline) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..RUNS {
        if subject_first {
            subject = subject.min(one.nanoseconds());
        }
        baseline = baseline.min(two.nanoseconds());
        if !subject_first {
            subject = subject.min(one.nanoseconds());
        }
    }
    Sample {
        subject_first,
        subject,
        baseline,
    }
}

/// Threads that pick from one fleet when they are told to, each on a processor of its own.
struct Crew {
    workers: Vec<Worker>,
    picks: u64,
    done: Receiver<(Instant, Instant)>,
}

struct Worker {
    /// How many picks to make; closed, the thread ends.
    orders: Option<Sender<u64>>,
    thread: Option<JoinHandle<()>>,
}

impl Crew {
    fn new(size: usize, strategy: &Named, fleet: &Fleet) -> Self {
        let (tell_done, done) = channel();
        let line = Arc::new(StartLine::new(size));
        let workers = (0..size).map(|processor| {
            let (orders, told) = channel();
            let (tell_done, line) = (tell_done.clone(), Arc::clone(&line));
            let mut pick = strategy.picks(fleet);
            let thread = thread::spawn(move || {
                keep_to(processor);
                for (round, picks) in told.into_iter().enumerate() {
                    line.wait(round);
                    let begin = Instant::now();
                    for _ in 0..picks {
                        pick();
                    }
                    // Whoever asked may have gone.
                    let _heard = tell_done.send((begin, Instant::now()));
                }
            });
            Worker {
                orders: Some(orders),
                thread: Some(thread),
            }
        });
        Self {
            workers: workers.collect(),
            picks: if strategy.keyed { KEYED_PICKS } else { PICKS },
            done,
        }
    }

    /// Nanoseconds of one of many picks, each worker making its part of them: from when the first begins
    /// until the last is done.
    fn nanoseconds(&self) -> f64 {
        let part = self.picks / self.workers.len() as u64;
        for worker in &self.workers {
            let orders = worker.orders.as_ref().expect("the crew lives");
            orders.send(part).expect("the thread waits for orders");
        }
        let times = self.done.iter().take(self.workers.len());
        let whole = times.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        let (begin, end) = whole.expect("a crew has a worker");
        (end - begin).as_secs_f64() * 1e9 / self.picks as f64
    }
}

/// Where workers wait for each other, awake, so that they begin together.
struct StartLine {
    size: usize,
    arrived: AtomicUsize,
}

impl StartLine {
    fn new(size: usize) -> Self {
        Self {
            size,
            arrived: AtomicUsize::new(0),
        }
    }

    fn wait(&self, round: usize) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        while self.arrived.load(Ordering::Acquire) < (round + 1) * self.size {
            hint::spin_loop();
        }
    }
}

/// Keeps the calling thread to one processor; where the machine does not let it, it runs where it may
/// and says so, for two threads on one processor show nothing.
fn keep_to(processor: usize) {
    let mut processors = CpuSet::new();
    processors.set(processor);
    if let Err(error) = sched_setaffinity(None, &processors) {
        // Whoever reads it may have gone.
        let _read = writeln!(
            io::stderr(),
            "a thread was not kept to processor {processor}: {error}"
        );
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a picking thread does not panic");
        }
    }
}
