//! What the HTTP services cost: an offer, an invoice and a QR code over real sockets, against bare hyper services.
//!
//! `cargo bench -p switchgear-benches --bench http -- [--pairs FILE] [--figures FILE] [--only TEXT]`. Two tables go
//! to standard output: the processor's time of this process for one request as ratios, with the noise on their
//! first lines; and how long a QR code takes. Who asks, and the simulated nodes, are processes of their own. With
//! `--pairs` each pair of samples goes to a file as CSV; `--only` measures the cases whose name holds the text. The
//! exit code is 1 if a target was missed.

mod bare;
mod ours;
mod payer;
mod picture;
mod ratios;
mod site;

use std::{env, process::ExitCode};

use switchgear_benches::{
    cases::{Cases, Options},
    invoices::{Failure, NODE, serve_node},
    limits::Limits,
};

use self::ratios::Bench;

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if_eq(NODE).is_some() {
        return serve_node(&arguments.next().ok_or("a node needs a directory")?);
    }
    if arguments.next_if_eq(payer::ARGUMENT).is_some() {
        return payer::pay();
    }
    let options = Options::parse(arguments).map_err(|error| error.to_string())?;
    // With more threads, both sides would pay for waking each other's.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut cases = Cases::new(options.clone(), "subject", "baseline")?;
    Bench::new(&runtime, options.clone())?.ratios(&mut cases)?;
    let ratios = cases.finish()?;

    let mut limits = Limits::new(options)?;
    picture::figures(&runtime, &mut limits)?;
    let figures = limits.finish()?;
    let codes = [ratios, figures];
    let missed = codes.iter().find(|code| **code != ExitCode::SUCCESS);
    Ok(missed.copied().unwrap_or(ExitCode::SUCCESS))
}
