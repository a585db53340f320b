//! Real LNDs at their worst: `swgr` as a process of its own, with SQLite, two LNDs and their chain.
//!
//! Each test asserts that what it does to a node happened. `SWITCHGEAR_LONG=true` selects the whole sizes, and the tests
//! that have only these; where Go is missing, the tests say so and do nothing.

mod b12;
mod certificate;
mod load;
mod locked;
mod macaroon;
mod stage;
mod table;

/// Whether `tests/run --long` wants the whole sizes.
fn is_long() -> bool {
    std::env::var("SWITCHGEAR_LONG").is_ok_and(|long| long == "true")
}

/// [`is_long`] for a test that is too slow for every push; says so where it is not run.
#[expect(
    clippy::print_stderr,
    reason = "a test that skips says so where its output is read"
)]
fn is_long_or_skipped() -> bool {
    if !is_long() {
        eprintln!("skipped: only with --long");
    }
    is_long()
}
