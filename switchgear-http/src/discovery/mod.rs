//! The discovery service: the administration of node backends.
//!
//! | path | methods |
//! |---|---|
//! | `/discovery` | GET, POST |
//! | `/discovery/{pk\|url}/{value}`, `/discovery/{hex}` | GET, PUT, PATCH, DELETE |
//! | `/health`, `/openapi.json` | GET |
//!
//! It checks no token itself: put a [`BearerLayer`](crate::auth::BearerLayer) around it.

mod api;
mod backends;
mod etag;
mod leniency;
mod schemas;
mod service;

pub use self::service::DiscoveryService;

#[cfg(test)]
mod tests;
