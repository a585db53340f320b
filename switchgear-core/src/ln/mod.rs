//! Lightning: invoices, nodes' status, and the two traits at the seam to real nodes.

mod balancer;
mod client;
mod error;
mod invoice;
mod network;
mod request;
mod status;

pub use self::{
    balancer::{IssuedInvoice, LnBalancer, NoInvoice, PartitionReadiness, Readiness},
    client::LnClient,
    error::{Blame, LnError, LnErrorKind},
    invoice::{Expectation, Invoice, Lie},
    network::Network,
    request::InvoiceRequest,
    status::NodeStatus,
};

#[cfg(test)]
mod tests;
