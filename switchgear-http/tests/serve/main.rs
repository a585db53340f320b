//! The listener over real sockets: protocols, TLS, limits, and a drain that loses nothing.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod bench;
#[expect(dead_code, reason = "another target uses the rest")]
mod frames;
mod identity;

mod certificates;
mod drain;
mod limits;
mod protocols;
mod timeouts;
