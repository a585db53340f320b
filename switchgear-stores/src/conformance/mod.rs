//! What every store must do, as functions that a test calls with a store and that panic with the
//! first thing that it does otherwise.
//!
//! The stores of this crate pass them, and a store over tables of your own should: the services and
//! the balancer rely on no less.
//!
//! ```
//! use switchgear_stores::{conformance, memory::MemoryDiscoveryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::discovery(&MemoryDiscoveryStore::new()).await;
//! # }
//! ```
#![expect(
    clippy::panic,
    reason = "the suite is test code that other crates call: a panic is its report"
)]

mod discovery;
mod metadata;
mod offers;
mod outcome;
mod provider;
mod records;

pub use self::{
    discovery::{discovery, discovery_changes},
    metadata::metadata,
    offers::offers,
    provider::provider,
};
