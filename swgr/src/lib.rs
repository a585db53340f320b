//! The switchgear server as a library: its configuration, its composition, its command line.
//!
//! [`config`] turns a file into a checked value and reads the environment through an argument;
//! [`compose`] builds stores, balancer and services from that value and runs them until a signal;
//! [`cli`] has the commands; [`logs`] writes to standard error. The binary parses its arguments,
//! calls [`cli::run`] and turns a [`Failure`] into an exit code. Everything that decides about
//! nodes, offers or requests is in the `switchgear-*` crates.

pub mod cli;
pub mod compose;
pub mod config;
pub mod logs;

mod failure;

pub use self::failure::Failure;
