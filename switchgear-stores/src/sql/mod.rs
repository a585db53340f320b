//! What SQL stores share: the tables, the rows, and what a database's failures mean.

mod backend_row;
mod fault;
mod metadata_row;
mod offer_row;
pub(crate) mod schema;

pub(crate) use self::{
    backend_row::BackendRow, fault::Fault, metadata_row::MetadataRow, offer_row::OfferRow,
};
