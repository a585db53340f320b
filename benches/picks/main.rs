//! Picks of switchgear alone: how their cost grows with the fleet, what health, capacity and threads
//! do to it, what a change costs and disturbs, how large the tables are, and whether shares are fair.
//!
//! `cargo bench -p switchgear-benches --bench picks -- [--pairs FILE] [--figures FILE] [--only TEXT]`.
//! Two tables go to standard output: ratios, with the noise on their first lines, and figures that
//! need no baseline. With `--pairs` each pair of samples goes to a file as CSV, with `--figures` each
//! value that a figure is the median of; `--only` measures the cases whose name holds the text. The
//! exit code is 1 if a target was missed.

mod change;
mod disturbance;
mod fixture;
mod growth;
mod shares;
mod tables;
mod threads;

use std::{env, error::Error, process::ExitCode};

use switchgear_benches::{
    cases::{Cases, Options},
    limits::Limits,
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let options = Options::parse(env::args().skip(1))?;
    let mut cases = Cases::new(options.clone(), "subject", "baseline")?;
    growth::noise(&mut cases)?;
    growth::size(&mut cases)?;
    growth::health(&mut cases)?;
    growth::capacity(&mut cases)?;
    threads::throughput(&mut cases)?;
    disturbance::of_picks(&mut cases)?;
    let ratios = cases.finish()?;

    let mut limits = Limits::new(options)?;
    change::duration(&mut limits)?;
    tables::size(&mut limits)?;
    shares::fairness(&mut limits)?;
    let figures = limits.finish()?;
    Ok(if ratios == ExitCode::SUCCESS {
        figures
    } else {
        ratios
    })
}
