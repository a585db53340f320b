//! The laws of the balancer, one file each: what holds for every fleet, strategy and order of events.
//!
//! All of them are pure: virtual time, seeded chance, no network. Only the laws on several threads
//! run on real ones, and what they ask for holds however these are scheduled.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do, and clippy takes only #[test] for a test"
)]

#[path = "../common/mod.rs"]
mod common;

mod a1_round_robin;
mod a2_consistent;
mod a3_weights;
mod a4_last_ready;
mod a5_fast_failure;
mod a6_closed_nodes;
mod a7_partitions;
mod a8_flapping;
mod allocation;
mod capacity;
mod coalescing;
