//! What the balancer and its client add to the call.

use std::{io, process::ExitCode};

use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use switchgear_benches::{
    cases::{Cases, NOISE, Options},
    invoices::{
        Bare, BareAndDecoded, Client, Failure, Node, Ours, Turn, median_cpu, median_latency, turn,
    },
    pairs::{Sample, Target},
};
use switchgear_ln::balancer::BalancerConfig;

use crate::added::Added;

const PAIRS: usize = 21;
/// A sample of a side is taken in so many turns, alternating with the other side's.
const TURNS: usize = 16;
/// The most of the bare client's processor time that an invoice may take.
const CPU: Target = Target::AtMost(1.25);
/// The most microseconds that may be added to the median latency.
const ADDED: f64 = 60.0;

/// What is compared, and what is asked of it.
#[derive(Debug, Clone, Copy)]
struct Line {
    name: &'static str,
    callers: usize,
    /// Of the processor's time.
    cpu: Target,
    /// The most that may be added to the latency, where that is judged.
    added: Option<f64>,
}

impl Line {
    fn noise(name: &'static str) -> Self {
        Self {
            name,
            callers: 1,
            cpu: NOISE,
            added: None,
        }
    }

    /// The default against the bare call. A check alone takes more than a quarter of that call's
    /// processor time, so only the latency is judged, that of one caller.
    fn as_it_is(callers: usize) -> Self {
        Self {
            name: "checked : bare",
            callers,
            cpu: Target::Reported,
            added: (callers == 1).then_some(ADDED),
        }
    }

    fn both_check(callers: usize) -> Self {
        Self {
            name: "checked : bare and decoded",
            cpu: CPU,
            ..Self::as_it_is(callers)
        }
    }

    fn neither_checks(callers: usize) -> Self {
        Self {
            name: "not checked : bare",
            cpu: CPU,
            ..Self::as_it_is(callers)
        }
    }

    fn name(&self) -> String {
        match self.callers {
            1 => self.name.to_owned(),
            callers => format!("{}, {callers} callers", self.name),
        }
    }
}

/// One comparison, as it was measured.
#[derive(Debug)]
struct Compared {
    line: Line,
    cpu: Vec<Sample>,
    latency: Vec<Sample>,
}

/// All comparisons.
#[derive(Debug, Default)]
pub(crate) struct Measured(Vec<Compared>);

/// Compares what was asked for, over one node.
pub(crate) async fn measure(options: &Options) -> Result<Measured, Failure> {
    let node = Node::start()?;
    let nodes = || vec![node.backend.clone()];
    let bare = Bare::connect(&node.backend).await?;
    let decoding = BareAndDecoded(bare.clone());
    let ours = Ours::start(Ours::config(), nodes()).await?;
    let unverified = BalancerConfig {
        verify_invoices: false,
        ..Ours::config()
    };
    let unverified = Ours::start(unverified, nodes()).await?;

    let mut bench = Bench {
        options,
        rng: StdRng::seed_from_u64(1),
        measured: Measured::default(),
    };
    let noise = Line::noise("noise: bare twice");
    bench.compare(noise, &bare, &bare).await?;
    let noise = Line::noise("noise: ours twice");
    bench.compare(noise, &ours, &ours).await?;
    for callers in [1, 16] {
        bench.compare(Line::as_it_is(callers), &ours, &bare).await?;
        bench
            .compare(Line::both_check(callers), &ours, &decoding)
            .await?;
        bench
            .compare(Line::neither_checks(callers), &unverified, &bare)
            .await?;
    }
    Ok(bench.measured)
}

impl Measured {
    /// Writes the ratios.
    pub(crate) fn ratios(&self, cases: &mut Cases) -> io::Result<()> {
        for compared in &self.0 {
            let name = format!("{}, processor", compared.line.name());
            cases.samples(&name, compared.line.cpu, || compared.cpu.clone())?;
        }
        for compared in &self.0 {
            let name = format!("{}, p50", compared.line.name());
            cases.samples(&name, Target::Reported, || compared.latency.clone())?;
        }
        Ok(())
    }

    /// Writes the differences; a failure if one is too large.
    pub(crate) fn added(&self, mut table: Added) -> io::Result<ExitCode> {
        for compared in &self.0 {
            table.row(
                &compared.line.name(),
                &compared.latency,
                compared.line.added,
            )?;
        }
        Ok(table.exit_code())
    }
}

struct Bench<'a> {
    options: &'a Options,
    rng: StdRng,
    measured: Measured,
}

impl Bench<'_> {
    async fn compare(
        &mut self,
        line: Line,
        subject: &impl Client,
        baseline: &impl Client,
    ) -> Result<(), Failure> {
        if !self.options.asks_for(&line.name()) {
            return Ok(());
        }
        // Whatever is made by the first call is made.
        turn(subject, line.callers).await?;
        turn(baseline, line.callers).await?;
        let mut order: Vec<bool> = (0..PAIRS).map(|pair| pair % 2 == 0).collect();
        order.shuffle(&mut self.rng);
        let (mut cpu, mut latency) = (Vec::new(), Vec::new());
        for subject_first in order {
            let turns = alternate(line.callers, subject_first, subject, baseline).await?;
            let sample = |of: fn(&[Turn]) -> f64| Sample {
                subject_first,
                subject: of(&turns.0),
                baseline: of(&turns.1),
            };
            cpu.push(sample(median_cpu));
            latency.push(sample(median_latency));
        }
        self.measured.0.push(Compared { line, cpu, latency });
        Ok(())
    }
}

/// The turns of one pair of samples.
async fn alternate(
    callers: usize,
    subject_first: bool,
    subject: &impl Client,
    baseline: &impl Client,
) -> Result<(Vec<Turn>, Vec<Turn>), Failure> {
    let (mut subjects, mut baselines) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        if subject_first {
            subjects.push(turn(subject, callers).await?);
        }
        baselines.push(turn(baseline, callers).await?);
        if !subject_first {
            subjects.push(turn(subject, callers).await?);
        }
    }
    Ok((subjects, baselines))
}
