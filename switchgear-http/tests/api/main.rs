//! The three documents: that they are those of the repository, that what they say is so, and what of it
//! stands open without a token.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod documents;
mod examples;
mod open_routes;
mod services;
