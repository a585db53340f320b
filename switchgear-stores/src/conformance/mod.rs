//! What every store must do, as functions that a test calls with a store and that panic with the
//! first thing that it does otherwise.
//!
//! | function | checks |
//! |---|---|
//! | [`discovery`] | every method, conflict and order of a store of backends; its versions; callers who write at once |
//! | [`discovery_changes`] | that each change is told within the process |
//! | [`discovery_cancellation`] | that dropped calls do all or nothing, and that the store serves afterwards |
//! | [`metadata`] | the same of a store of metadata, and paging by offset and by key |
//! | [`offers`] | the same of a store of offers, and that none is ever without its metadata |
//! | [`offers_cancellation`] | that dropped calls do all or nothing, and that the stores serve afterwards |
//! | [`provider`] | that the read path serves what the stores hold |
//!
//! The records are ordinary ones and the longest, largest and strangest that are legal.
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

mod backend_races;
mod cancellation;
mod discovery;
mod metadata;
mod offer_races;
mod offers;
mod outcome;
mod provider;
mod records;

pub use self::{
    cancellation::{discovery_cancellation, offers_cancellation},
    discovery::{discovery, discovery_changes},
    metadata::metadata,
    offers::offers,
    provider::provider,
};
