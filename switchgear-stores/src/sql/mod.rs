//! What SQL stores share: the tables and rows, connections and their pool, what a database's
//! failures mean; and in `store/` the traits themselves.
//!
//! `store/` is written once and compiled once for each database, inside that database's module: the
//! types of diesel's queries depend on the connection, and to name them for any connection would
//! take more bounds than code.
#![cfg_attr(
    not(all(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(dead_code, unused_imports, reason = "no database needs all of it")
)]

mod backend_row;
mod failure;
pub(crate) mod fault;
mod metadata_row;
mod migrated;
mod notice;
mod offer_row;
pub(crate) mod paging;
pub(crate) mod retries;
pub(crate) mod schema;
mod statements;
mod work;

pub(crate) use self::{
    backend_row::BackendRow,
    failure::{Failure, Failures, Remedy},
    fault::Fault,
    metadata_row::MetadataRow,
    migrated::tell_migrated,
    notice::Notice,
    offer_row::OfferRow,
    statements::keyed_statements,
    work::{Work, detached},
};
