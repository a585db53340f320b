//! Schemes of consistent hashing side by side: what moves when a node leaves, joins or grows, how even
//! the shares are, whether the keys of a node that leaves find who was next, and what it all costs.
//!
//! `cargo run --release -p switchgear-benches --example consistent`; it prints tables, in less than a minute.
//! With ` -- --long` it takes some minutes, for shares whose small errors sampling does not hide.

mod figures;
mod ketama;
mod logarithm;
mod maglev;
mod measure;
mod rounds;
mod scheme;
mod straw;
mod trie;

/// The function itself, apart from the fleet that it serves: it is no part of the core's public face.
mod balance {
    pub(super) mod face;
    #[expect(
        dead_code,
        unreachable_pub,
        reason = "part of it serves the core alone"
    )]
    #[path = "../../../switchgear-core/src/balance/rendezvous/mod.rs"]
    pub(super) mod rendezvous;
}

use std::{
    env,
    io::{self, Write as _},
};

use self::{
    figures::Figures, ketama::Ketama, maglev::Maglev, measure::measure, rounds::Rounds,
    scheme::Scheme as _, straw::Straw, trie::Trie,
};

fn main() -> io::Result<()> {
    let patience = if env::args().any(|argument| argument == "--long") {
        20
    } else {
        1
    };
    let mut out = io::stdout();
    for nodes in [10, 128, 1_000, 10_000] {
        writeln!(out, "{nodes} nodes\n\n{}", Figures::HEAD)?;
        writeln!(out, "{}", measure::<Rounds>(nodes, patience))?;
        writeln!(out, "{}", measure::<Straw>(nodes, patience))?;
        writeln!(out, "{}", measure::<Trie>(nodes, patience))?;
        writeln!(out, "{}", measure::<Ketama>(nodes, patience))?;
        writeln!(out, "{}\n", measure::<Maglev>(nodes, patience))?;
    }
    let moved = 100.0 * moved_by_a_switch();
    writeln!(
        out,
        "straw2, flat with 128 nodes and a trie with 129: {moved:.0}% of keys move."
    )
}

/// The share of keys that move when a node joins and takes a fleet from one scheme into another.
fn moved_by_a_switch() -> f64 {
    const KEYS: u64 = 100_000;
    let flat = Straw::build(&measure::members(128, &[1]));
    let trie = Trie::build(&measure::members(129, &[1]));
    let moved = (0..KEYS).filter(|key| flat.first(*key) != trie.first(*key));
    moved.count() as f64 / KEYS as f64
}
