//! Invoices through the balancer and its client: what they add to the bare gRPC call, and what a
//! frozen node does to those who ask.
//!
//! `cargo bench -p switchgear-benches --bench calls -- [--pairs FILE] [--figures FILE] [--only TEXT]`.
//! Three tables go to standard output: the processor's time and the latency as ratios, with the noise
//! on their first lines; the latency added; and what a frozen node does. The nodes are simulated, each
//! in a process of its own, so that this one's processor time is the client's. With `--pairs` each
//! pair of samples goes to a file as CSV, with `--figures` each value that a figure is made of;
//! `--only` measures the cases whose name holds the text. The exit code is 1 if a target was missed.

mod added;
mod freeze;
mod overhead;
mod verification;

use std::{env, process::ExitCode};

use switchgear_benches::{
    cases::{Cases, Options},
    invoices::{Failure, NODE, serve_node},
    limits::Limits,
};

use self::{added::Added, verification::Verification};

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if_eq(NODE).is_some() {
        return serve_node(&arguments.next().ok_or("a node needs a directory")?);
    }
    let options = Options::parse(arguments).map_err(|error| error.to_string())?;
    // With more threads, both sides would pay for waking each other's.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let measured = runtime.block_on(overhead::measure(&options))?;
    let verification = runtime.block_on(Verification::prepare())?;

    let mut cases = Cases::new(options.clone(), "subject", "baseline")?;
    verification.ratios(&mut cases)?;
    measured.ratios(&mut cases)?;
    let ratios = cases.finish()?;
    let added = measured.added(Added::new()?)?;

    let mut limits = Limits::new(options)?;
    freeze::figures(&runtime, &mut limits)?;
    let figures = limits.finish()?;
    let codes = [ratios, added, figures];
    let missed = codes.iter().find(|code| **code != ExitCode::SUCCESS);
    Ok(missed.copied().unwrap_or(ExitCode::SUCCESS))
}
