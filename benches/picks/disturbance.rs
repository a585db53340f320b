//! Whether requests feel that another thread publishes.

use std::{
    hint::black_box,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use switchgear_benches::{
    cases::Cases,
    pairs::{Sample, Target},
};

use crate::{
    change::{Changing, NODES},
    fixture::{Named, strategies},
};

/// Samples of either kind.
const PAIRS: usize = 21;
/// Picks that one percentile is taken from: enough to last for several publications.
const PICKS: usize = 200_000;

/// The 99.9th percentile of single picks, clock and all: while changes of both kinds are made one after
/// the other, against while nothing is.
pub(crate) fn of_picks(cases: &mut Cases) -> io::Result<()> {
    for strategy in strategies() {
        let name = format!("{}, {NODES}, p99.9 while publishing : quiet", strategy.name);
        cases.samples(&name, Target::AtMost(3.0), || samples(&strategy))?;
    }
    Ok(())
}

fn samples(strategy: &Named) -> Vec<Sample> {
    let changing = Changing::new(strategy);
    let mut pick = strategy.picks(changing.fleet());
    let publisher = Publisher::new(changing);
    let mut durations = vec![0; PICKS];
    let mut quiet = || percentile(&mut pick, &mut durations);
    quiet();
    let mut pair = |pair| {
        let subject_first = pair % 2 == 0;
        let before = (!subject_first).then(&mut quiet);
        publisher.begin();
        let subject = quiet();
        let changes = publisher.end();
        assert!(changes > 1, "changes were made meanwhile");
        Sample {
            subject_first,
            subject,
            baseline: before.unwrap_or_else(&mut quiet),
        }
    };
    (0..PAIRS).map(&mut pair).collect()
}

/// The 99.9th percentile of the nanoseconds from one pick's end to the next one's.
fn percentile(pick: &mut impl FnMut() -> bool, durations: &mut [u64]) -> f64 {
    let mut last = Instant::now();
    for duration in durations.iter_mut() {
        black_box(pick());
        let now = Instant::now();
        *duration = u64::try_from((now - last).as_nanos()).unwrap_or(u64::MAX);
        last = now;
    }
    let place = durations.len() * 999 / 1_000;
    let (_, percentile, _) = durations.select_nth_unstable(place);
    *percentile as f64
}

/// A thread that makes one change after the other while it is told to.
struct Publisher {
    publishing: Arc<AtomicBool>,
    begin: Option<Sender<()>>,
    /// How many changes were made.
    ended: Receiver<u64>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    fn new(mut changing: Changing) -> Self {
        let publishing = Arc::new(AtomicBool::new(false));
        let (begin, begun) = channel();
        let (tell_end, ended) = channel();
        let goes_on = Arc::clone(&publishing);
        let thread = thread::spawn(move || {
            for () in begun {
                let mut changes = 0;
                while goes_on.load(Ordering::Relaxed) {
                    changing.flip_health();
                    changing.change_weight();
                    changes += 2;
                }
                // Whoever asked may have gone.
                let _heard = tell_end.send(changes);
            }
        });
        Self {
            publishing,
            begin: Some(begin),
            ended,
            thread: Some(thread),
        }
    }

    fn begin(&self) {
        self.publishing.store(true, Ordering::Relaxed);
        let begin = self.begin.as_ref().expect("the publisher lives");
        begin.send(()).expect("the thread waits to begin");
    }

    /// How many changes there were since the beginning.
    fn end(&self) -> u64 {
        self.publishing.store(false, Ordering::Relaxed);
        self.ended.recv().expect("the thread says when it is done")
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.publishing.store(false, Ordering::Relaxed);
        drop(self.begin.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("publishing does not panic");
        }
    }
}
