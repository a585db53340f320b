//! Whom a node's TLS certificate may come from, and what this side shows of itself.
//!
//! A [`Trust`] is all that a handshake needs. [`TrustSets`] builds one from files, and hands out the
//! same one again while anybody uses it, so that a fleet behind one authority parses it once.

mod error;
mod identity;
mod pin;
mod trust;
mod trust_sets;
mod verifier;

pub(crate) use self::{
    trust::Trust,
    trust_sets::{MutualTlsFiles, TrustSets},
};
