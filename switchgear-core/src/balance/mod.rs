//! Balancing: which node is asked next, for how long, and what its answers say of it.
//!
//! ```text
//!  discovery ─┐                                          ┌─▶ Dispatch, one for each request:
//!  checks ────┼─▶ Fleet ──publishes──▶ FleetView ──reads─┤   rounds, failover, limits, deadline
//!  reports ◀──┘   (one writer)         (immutable)       └─▶ reports what calls said of a node
//! ```
//!
//! [`Fleet`] is the policy. It has one owner, which tells it of discovery, health checks and reports,
//! and it publishes an immutable [`FleetView`]. [`Dispatch`] is the life of one invoice request; it
//! reads the view, and touches nothing of a [`Node`] but its atomics.

mod backoff;
mod dispatch;
mod ejection;
mod fleet;
mod health;
mod node;
mod round_robin;
mod view;

pub use self::{
    backoff::{Backoff, Exponential},
    dispatch::{Action, AttemptId, Call, Dispatch, DispatchConfig, Event, Outcome, Verdict},
    ejection::{Ejection, EjectionPolicy},
    fleet::{Fleet, FleetConfig, FleetNode, FleetUpdate, HealthChange},
    health::{Health, HealthState, HealthThresholds},
    node::{Node, NodeId, Report},
    view::{FleetView, PartitionView},
};
