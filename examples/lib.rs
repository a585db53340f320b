//! Who uses switchgear, and how.
//!
//! Each example of this package is a program that CI runs; this library holds what they share: a
//! [`Wallet`], the other side of everything that switchgear serves, and simulated nodes with a balancer
//! over them.

mod nodes;
mod wallet;

pub use self::{
    nodes::{balancer, simulated_nodes, wait_for_ready},
    wallet::{PayInvoice, PayOffer, Wallet},
};
