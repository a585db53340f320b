//! Whether requests feel that another thread publishes.

use std::{
    hint::black_box,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
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
/// How long the picks take that one percentile is of.
const SAMPLE: Duration = Duration::from_millis(150);
/// The fewest publications that picks are disturbed by in that time. Where other work holds the publisher
/// up, picks go on until there were as many, but not for ever.
const PUBLICATIONS: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(3);

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
    let mut durations = Durations::default();
    durations.measure(&mut pick, || true);
    let mut sample = |pair: usize| {
        let mut undisturbed = || durations.measure(&mut pick, || true).percentile();
        let subject_first = pair.is_multiple_of(2);
        let before = (!subject_first).then(&mut undisturbed);
        let subject = disturbed(&publisher, &mut durations, &mut pick);
        let mut undisturbed = || durations.measure(&mut pick, || true).percentile();
        Sample {
            subject_first,
            subject,
            baseline: before.unwrap_or_else(&mut undisturbed),
        }
    };
    (0..PAIRS).map(&mut sample).collect()
}

/// The percentile of picks that are made while the publisher publishes.
fn disturbed(
    publisher: &Publisher,
    durations: &mut Durations,
    pick: &mut impl FnMut() -> bool,
) -> f64 {
    publisher.begin();
    durations.measure(pick, || publisher.publications() >= PUBLICATIONS);
    let publications = publisher.end();
    assert!(
        publications >= PUBLICATIONS,
        "only {publications} publications were made meanwhile"
    );
    durations.percentile()
}

/// The nanoseconds from each pick's end to the next one's, clock and all.
#[derive(Default)]
struct Durations(Vec<u32>);

impl Durations {
    /// Picks for [`SAMPLE`], and on until it is `enough`.
    fn measure(&mut self, pick: &mut impl FnMut() -> bool, enough: impl Fn() -> bool) -> &mut Self {
        self.0.clear();
        let begin = Instant::now();
        let mut last = begin;
        let goes_on = |elapsed| elapsed < SAMPLE || (elapsed < PATIENCE && !enough());
        while goes_on(last - begin) {
            black_box(pick());
            let now = Instant::now();
            let duration = u32::try_from((now - last).as_nanos());
            self.0.push(duration.unwrap_or(u32::MAX));
            last = now;
        }
        self
    }

    /// The 99.9th.
    fn percentile(&mut self) -> f64 {
        let place = self.0.len() * 999 / 1_000;
        let (_, percentile, _) = self.0.select_nth_unstable(place);
        f64::from(*percentile)
    }
}

/// A thread that makes one change after the other while it is told to.
struct Publisher {
    publishing: Arc<AtomicBool>,
    /// Publications that were finished since the thread last began.
    publications: Arc<AtomicU64>,
    begin: Option<Sender<()>>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    fn new(mut changing: Changing) -> Self {
        let publishing = Arc::new(AtomicBool::new(false));
        let publications = Arc::new(AtomicU64::new(0));
        let (begin, begun) = channel();
        let (tell_end, ended) = channel();
        let goes_on = Arc::clone(&publishing);
        let finished = Arc::clone(&publications);
        let thread = thread::spawn(move || {
            for () in begun {
                while goes_on.load(Ordering::Relaxed) {
                    changing.flip_health();
                    finished.fetch_add(1, Ordering::Relaxed);
                    changing.change_weight();
                    finished.fetch_add(1, Ordering::Relaxed);
                }
                // Whoever asked may have gone.
                let _heard = tell_end.send(());
            }
        });
        Self {
            publishing,
            publications,
            begin: Some(begin),
            ended,
            thread: Some(thread),
        }
    }

    fn begin(&self) {
        self.publications.store(0, Ordering::Relaxed);
        self.publishing.store(true, Ordering::Relaxed);
        let begin = self.begin.as_ref().expect("the publisher lives");
        begin.send(()).expect("the thread waits to begin");
    }

    /// Publications that were finished since the beginning.
    fn publications(&self) -> u64 {
        self.publications.load(Ordering::Relaxed)
    }

    /// Waits until the thread rests; how many publications were finished before this was called.
    fn end(&self) -> u64 {
        let publications = self.publications();
        self.publishing.store(false, Ordering::Relaxed);
        self.ended.recv().expect("the thread says when it is done");
        publications
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
