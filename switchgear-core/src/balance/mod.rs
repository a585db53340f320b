//! Balancing: which node is asked next, for how long, and what its answers say of it.
//!
//! ```text
//!  discovery ─┐                  one for each partition     ┌─▶ Dispatch, one for each request:
//!  checks ────┼─▶ Fleet ──publishes──▶ Picker ──candidates──┤   rounds, failover, limits, deadline
//!  reports ◀──┘   (one writer)         (immutable)          └─▶ reports what calls said of a node
//!                      └── Strategy ──prepares──▶ Chooser ─┘
//! ```
//!
//! [`Fleet`] is the policy. It has one owner, which tells it of discovery, health checks and reports,
//! and it publishes immutable [`Picker`]s, one for each partition. A [`Strategy`] says how a picker
//! chooses. [`Dispatch`] is the life of one invoice request; it reads the [`FleetView`], and touches
//! nothing of a [`Node`] but its atomics.

mod backoff;
mod candidates;
mod capacity;
mod dispatch;
mod ejection;
mod fleet;
mod health;
mod live;
mod node;
mod partition_turns;
mod picker;
mod ranges;
mod rendezvous;
mod run;
mod seats;
mod strategy;
mod turns;
mod view;

#[cfg(test)]
mod fixture;

pub use self::{
    backoff::{Backoff, Exponential},
    candidates::Candidates,
    capacity::{CapacityBias, Reading},
    dispatch::{
        Action, AttemptId, Call, Dispatch, DispatchConfig, DispatchRequest, Event, Outcome, Verdict,
    },
    ejection::{Ejection, EjectionPolicy},
    fleet::{Check, Fleet, FleetConfig, FleetNode, FleetUpdate, HealthChange},
    health::{Health, HealthState, HealthThresholds, NodeState},
    node::{Node, NodeId, Report},
    picker::Picker,
    rendezvous::AffinityKey,
    seats::Seats,
    strategy::{
        Adaptive, Among, Choice, Chooser, Consistent, Draw, LoadFactor, Pick, Random, RoundRobin,
        Strategy,
    },
    view::{FleetView, PartitionNumber},
};
