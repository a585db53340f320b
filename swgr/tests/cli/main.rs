//! `swgr` from outside: the real binary, its exit codes, its output, its services.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do, and clippy takes only #[test] for a test"
)]

mod commands;
mod load;
mod service;
mod store;
mod support;
mod token;
