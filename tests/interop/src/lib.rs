//! A Core Lightning node's gRPC as its official protos describe it, to test clients against.
//!
//! A real Core Lightning is in no registry of packages. [`OfficialCln`] stands for one: it is a server
//! generated from the `.proto` files that the `cln-grpc` crate carries, with mutual TLS as the plugin
//! sets it up, whose answers have the fields that a real node fills, whose invoices are signed, and
//! whose refusals have the words of the plugin. What is proved against it is that a client speaks the
//! official protocol; not how a real node behaves in time.

mod calls;
mod certificates;
mod channels;
mod invoice;
mod node;
pub mod official;

pub use self::{certificates::Certificates, channels::Channel, node::OfficialCln};
