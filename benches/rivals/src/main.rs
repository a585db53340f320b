//! Picks of switchgear against `LoadBalancer::select_with` of `pingora-load-balancing`: the same
//! nodes, the same keys, one thread, in one run.
//!
//! `cargo run --release -- [--pairs FILE] [--only TEXT]`, in this folder. The table goes to standard
//! output, with `--pairs` each pair of samples to a file as CSV; `--only` measures the cases whose
//! name holds the text. The exit code is 1 if a target was missed or the noise, which the first
//! lines show, is too high to say.

mod fleet;
mod ours;
mod theirs;

use std::{env, error::Error, io, process::ExitCode};

use switchgear_benches::{
    cases::{Cases, NOISE, Options},
    pairs::{Pair, Side, Target},
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut cases = Cases::new(Options::parse(env::args().skip(1))?, "ours", "theirs")?;
    noise(&mut cases)?;
    everyone_ready(&mut cases)?;
    one_partition(&mut cases)?;
    kept(&mut cases)?;
    Ok(cases.finish()?)
}

fn noise(cases: &mut Cases) -> io::Result<()> {
    cases.pair("noise: theirs twice, round robin, 1000", NOISE, || {
        Pair::twice(theirs::round_robin(1_000))
    })?;
    cases.pair("noise: ours twice, round robin, 1000", NOISE, || {
        Pair::twice(ours::round_robin(1_000))
    })?;
    cases.pair("noise: theirs twice, random, 65535", NOISE, || {
        Pair::twice(theirs::random(65_535))
    })?;
    cases.pair("noise: ours twice, random, 65535", NOISE, || {
        Pair::twice(ours::random(65_535))
    })?;
    cases.pair("noise: theirs twice, consistent, 1000", NOISE, || {
        Pair::twice(theirs::consistent(1_000))
    })?;
    cases.pair("noise: ours twice, consistent, 1000", NOISE, || {
        Pair::twice(ours::consistent(1_000))
    })
}

fn everyone_ready(cases: &mut Cases) -> io::Result<()> {
    for nodes in [10, 1_000, 65_535] {
        cases.pair(
            &format!("round robin, {nodes}"),
            Target::AtMost(0.2),
            || {
                let ours = Side::new(ours::round_robin(nodes));
                Pair::new(ours, Side::new(theirs::round_robin(nodes)))
            },
        )?;
    }
    for nodes in [10, 1_000, 65_535] {
        cases.pair(&format!("random, {nodes}"), Target::AtMost(0.2), || {
            let ours = Side::new(ours::random(nodes));
            Pair::new(ours, Side::new(theirs::random(nodes)))
        })?;
    }
    let third = 1.0 / 3.0;
    for (nodes, bound) in [(10, third), (128, 1.0), (1_000, 1.0), (10_000, 1.0)] {
        cases.pair(
            &format!("consistent, {nodes}"),
            Target::AtMost(bound),
            || {
                let ours = Side::new(ours::consistent(nodes));
                Pair::new(ours, Side::new(theirs::consistent(nodes)))
            },
        )?;
    }
    Ok(())
}

/// The cost of keeping what was picked, which no target is on: it is the memory's more than the
/// pick's.
fn kept(cases: &mut Cases) -> io::Result<()> {
    for nodes in [10, 1_000, 65_535] {
        let name = format!("round robin, {nodes}, kept");
        cases.pair(&name, Target::Reported, || {
            let ours = Side::new(ours::round_robin_kept(nodes));
            Pair::new(ours, Side::new(theirs::round_robin(nodes)))
        })?;
    }
    for nodes in [10, 1_000, 65_535] {
        let name = format!("random, {nodes}, kept");
        cases.pair(&name, Target::Reported, || {
            let ours = Side::new(ours::random_kept(nodes));
            Pair::new(ours, Side::new(theirs::random(nodes)))
        })?;
    }
    Ok(())
}

fn one_partition(cases: &mut Cases) -> io::Result<()> {
    let target = Target::AtMost(1.0 / 500.0);
    for nodes in [1_000, 10_000] {
        cases.pair(&format!("1 in 1,000 by tag, {nodes}"), target, || {
            let ours = Side::new(ours::partition(nodes));
            Pair::new(ours, Side::new(theirs::partition_by_tag(nodes)))
        })?;
        cases.pair(&format!("1 in 1,000 by address, {nodes}"), target, || {
            let ours = Side::new(ours::partition(nodes));
            Pair::new(ours, Side::new(theirs::partition_by_address(nodes)))
        })?;
    }
    Ok(())
}
