//! The offer service: the administration of offers and of their metadata.
//!
//! | path, `R` being `offers` or `metadata` | methods |
//! |---|---|
//! | `/R` | POST |
//! | `/R/{partition}?start=&count=&after=` | GET |
//! | `/R/{partition}/{id}` | GET, PUT, DELETE |
//! | `/health`, `/openapi.json` | GET |
//!
//! It checks no token itself: put a [`BearerLayer`](crate::auth::BearerLayer) around it.

mod api;
mod collection;
mod config;
mod paging;
mod schemas;
mod service;
mod shelf;

pub use self::{config::OfferConfig, service::OfferService};

#[cfg(test)]
mod tests;
