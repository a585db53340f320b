//! A simulator of time: a fleet of scripted nodes, discovery, health checks and requests, stepped from
//! event to event in virtual time, with laws checked after each step.
//!
//! ```text
//!   Operations (from bytes) ─┐
//!   Scenario (by name) ──────┴─▶ Simulation ─steps─▶ World ─▶ Fleet, Dispatch (the real ones)
//!                                    │                 └────▶ Model (a naive twin of the fleet)
//!                                    └─checks─▶ Law, Law, Law …   after each step
//! ```
//!
//! [`World`] does what a shell does around the core: it lets time pass, carries calls to the nodes and
//! answers back, keeps each node's health clock, reads discovery, runs the shared refresh and publishes
//! when that is due. What it sees goes into [`Happened`], which the laws judge. They know the core by its
//! public API only.

mod backends;
mod call;
mod conduct;
mod event;
mod happened;
mod laws;
mod model;
mod operations;
mod polling;
mod published;
mod request;
mod round;
mod settings;
mod shell;
#[expect(clippy::module_inception, reason = "a file is named after its noun")]
mod simulation;
mod world;

pub use self::{
    backends::{backend, partition},
    conduct::Conduct,
    event::Event,
    operations::replay,
    settings::Settings,
    simulation::Simulation,
};
