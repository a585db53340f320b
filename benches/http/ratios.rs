//! What the processor spends on a request, against a bare service.

use std::{fs::OpenOptions, io, sync::Mutex};

use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use switchgear_benches::{
    cases::{Cases, NOISE, Options},
    invoices::{self, Bare, BareAndDecoded, Failure, Node, process_time},
    pairs::{Sample, Target, median},
};
use switchgear_ln::balancer::BalancerConfig;
use tokio::runtime::Runtime;

use crate::{bare, ours::Ours, payer::Payer, site::Site};

const PAIRS: usize = 21;
/// A sample of a side is taken in so many turns, alternating with the other side's.
const TURNS: usize = 8;
/// How many offers one turn looks at, and how many invoices it asks for, all connections together.
const LOOKS: usize = 256;
const INVOICES: usize = 32;
/// What one connection sends at a time says little of a busy server, and what many do little of a quiet one.
const CONNECTIONS: [usize; 2] = [1, 16];
/// The most of the bare service's processor time that a request may take.
const OFFER: Target = Target::AtMost(1.3);
const INVOICE: Target = Target::AtMost(1.25);

/// Both sides of all comparisons, and who asks them.
pub(crate) struct Bench<'a> {
    runtime: &'a Runtime,
    options: Options,
    payer: Payer,
    rng: StdRng,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(runtime: &'a Runtime, options: Options) -> Result<Self, Failure> {
        Ok(Self {
            runtime,
            options,
            payer: Payer::start()?,
            rng: StdRng::seed_from_u64(1),
        })
    }

    /// Measures what was asked for. The access log comes last, for it cannot be turned off again.
    pub(crate) fn ratios(mut self, cases: &mut Cases) -> Result<(), Failure> {
        let node = Node::start()?;
        let nodes = || vec![node.backend.clone()];
        // Their drivers end with them.
        let (balancer, lenient, bare) = self.runtime.block_on(async {
            let lenient = BalancerConfig {
                verify_invoices: false,
                ..invoices::Ours::config()
            };
            Ok::<_, Failure>((
                invoices::Ours::start(invoices::Ours::config(), nodes()).await?,
                invoices::Ours::start(lenient, nodes()).await?,
                Bare::connect(&node.backend).await?,
            ))
        })?;
        let ours = self.runtime.block_on(Ours::start(balancer.balancer()))?;
        let unchecked = self.runtime.block_on(Ours::start(lenient.balancer()))?;
        let constant = self.runtime.block_on(async {
            let offer = ours.answer(&ours.offer()).await?;
            bare::constant(offer.into_body().into()).await
        })?;
        let called = self.runtime.block_on(bare::invoice(bare.clone()))?;
        let decoded = self.runtime.block_on(bare::invoice(BareAndDecoded(bare)))?;

        self.looks(cases, "noise: bare twice", NOISE, &constant, &constant)?;
        self.looks(cases, "offer : constant", OFFER, &ours.offer(), &constant)?;
        let checked = ours.invoice();
        self.invoices(cases, "noise: invoice twice", NOISE, &checked, &checked)?;
        self.invoices(
            cases,
            "invoice, checked : call and decode",
            INVOICE,
            &checked,
            &decoded,
        )?;
        let name = "invoice, not checked : call";
        self.invoices(cases, name, INVOICE, &unchecked.invoice(), &called)?;
        let name = "invoice, checked : call";
        self.invoices(cases, name, Target::Reported, &checked, &called)?;
        write_the_access_log()?;
        let name = "offer with its line in the log : constant";
        self.looks(cases, name, Target::Reported, &ours.offer(), &constant)
    }

    fn looks(
        &mut self,
        cases: &mut Cases,
        name: &str,
        target: Target,
        subject: &Site,
        baseline: &Site,
    ) -> Result<(), Failure> {
        self.compare(cases, name, target, LOOKS, subject, baseline)
    }

    fn invoices(
        &mut self,
        cases: &mut Cases,
        name: &str,
        target: Target,
        subject: &Site,
        baseline: &Site,
    ) -> Result<(), Failure> {
        self.compare(cases, name, target, INVOICES, subject, baseline)
    }

    fn compare(
        &mut self,
        cases: &mut Cases,
        name: &str,
        target: Target,
        requests: usize,
        subject: &Site,
        baseline: &Site,
    ) -> Result<(), Failure> {
        for connections in CONNECTIONS {
            let name = format!("{name}, {connections} at a time");
            if !self.options.asks_for(&name) {
                continue;
            }
            let samples = self.samples(requests / connections, connections, subject, baseline)?;
            cases.samples(&name, target, || samples)?;
        }
        Ok(())
    }

    fn samples(
        &mut self,
        requests: usize,
        connections: usize,
        subject: &Site,
        baseline: &Site,
    ) -> Result<Vec<Sample>, Failure> {
        // Whatever is made by the first request is made.
        self.turn(requests, connections, subject)?;
        self.turn(requests, connections, baseline)?;
        let mut order: Vec<bool> = (0..PAIRS).map(|pair| pair % 2 == 0).collect();
        order.shuffle(&mut self.rng);
        let mut samples = Vec::with_capacity(PAIRS);
        for subject_first in order {
            let (mut subjects, mut baselines) = (Vec::new(), Vec::new());
            for _ in 0..TURNS {
                if subject_first {
                    subjects.push(self.turn(requests, connections, subject)?);
                }
                baselines.push(self.turn(requests, connections, baseline)?);
                if !subject_first {
                    subjects.push(self.turn(requests, connections, subject)?);
                }
            }
            samples.push(Sample {
                subject_first,
                subject: median(&subjects),
                baseline: median(&baselines),
            });
        }
        Ok(samples)
    }

    /// Nanoseconds of the processor that this process spends on one request.
    fn turn(&mut self, requests: usize, connections: usize, site: &Site) -> Result<f64, Failure> {
        let before = process_time();
        self.payer.ask(site, requests, connections)?;
        let spent = process_time().saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e9 / (requests * connections) as f64)
    }
}

/// From now on each request leaves its line, where nobody reads it.
fn write_the_access_log() -> io::Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    // An error means that lines are written already.
    let _ = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Mutex::new(nowhere))
        .try_init();
    Ok(())
}
