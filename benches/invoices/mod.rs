//! Invoices by the balancer and by the bare call, from simulated nodes in processes of their own.
//!
//! [`Client`] is whoever can ask a node, [`Ours`] and [`Bare`] are the two that do, and a [`Turn`] is what some
//! calls of one of them took.

mod bare;
mod client;
mod node;
mod ours;
mod turn;

pub use self::{
    bare::{Bare, BareAndDecoded},
    client::{Client, Failure, request},
    node::{NODE, Node, serve_node},
    ours::Ours,
    turn::{Turn, median_cpu, median_latency, process_time, turn},
};
